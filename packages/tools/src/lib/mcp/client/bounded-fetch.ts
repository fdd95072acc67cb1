import { GenieError } from '@genie/core/errors';

/** A fetch whose JSON answers break off past `maxBytes`, and whose event streams do per event. */
export function boundedFetch(fetch: typeof globalThis.fetch, maxBytes: number): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!response.body) return response;
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    const body = response.body.pipeThrough(countingStream(maxBytes, isStream));
    const bounded = new Response(body, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
    // The transport resolves redirects against it.
    Object.defineProperty(bounded, 'url', { value: response.url });
    return bounded;
  };
}

const newline = 10;

function countingStream(maxBytes: number, isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let count = 0;
  return new TransformStream({
    transform(chunk, controller) {
      // An event is one line of data: the count starts again after the last line end of a chunk.
      const lineEnd = isStream ? chunk.lastIndexOf(newline) : -1;
      count = lineEnd === -1 ? count + chunk.length : chunk.length - lineEnd;
      if (count > maxBytes)
        controller.error(
          new GenieError('GENIE_MCP_TOO_LARGE', `The server sent a message of more than ${maxBytes} bytes.`),
        );
      else controller.enqueue(chunk);
    },
  });
}
