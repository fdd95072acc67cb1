import { GenieError } from '@genie/core/errors';

/**
 * A fetch whose JSON answers break off past `maxBytes`, and whose event streams do per event. An answer that says itself
 * that it is larger is not read at all. Both with `GENIE_MCP_TOO_LARGE`.
 */
export function boundedFetch(fetch: typeof globalThis.fetch, maxBytes: number): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!response.body) return response;
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    if (!isStream && Number(response.headers.get('content-length')) > maxBytes) {
      await response.body.cancel();
      throw tooLarge(maxBytes);
    }
    const body = response.body.pipeThrough(countingStream(maxBytes, isStream ? eventCounter() : byteCounter()));
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

/** Bytes that are held, once a chunk was added. */
type Counter = (chunk: Uint8Array) => number;

function byteCounter(): Counter {
  let count = 0;
  return (chunk) => {
    count += chunk.length;
    return count;
  };
}

const newline = 10;
const carriageReturn = 13;

/** An event ends with an empty line: its reader holds every line until then. */
function eventCounter(): Counter {
  let count = 0;
  let isLineEmpty = true;
  let wasReturn = false;
  return (chunk) => {
    for (const byte of chunk) {
      count += 1;
      const endsLine = byte === carriageReturn || (byte === newline && !wasReturn);
      if (endsLine && isLineEmpty) count = 0;
      if (endsLine) isLineEmpty = true;
      else if (byte !== newline) isLineEmpty = false;
      wasReturn = byte === carriageReturn;
    }
    return count;
  };
}

function countingStream(maxBytes: number, held: Counter): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      if (held(chunk) > maxBytes) controller.error(tooLarge(maxBytes));
      else controller.enqueue(chunk);
    },
  });
}

function tooLarge(maxBytes: number): GenieError {
  return new GenieError('GENIE_MCP_TOO_LARGE', `The server sent a message of more than ${maxBytes} bytes.`);
}
