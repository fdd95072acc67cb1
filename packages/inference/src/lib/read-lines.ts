/** Longer lines are refused: no model writes them, and a server that never ends a line would fill the memory. */
const maxLineCharacters = 16 * 1024 * 1024;

/** Yields the non-empty lines of a byte stream as UTF-8. Leaving early cancels the stream. */
export async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      pending += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = pending.split('\n');
      pending = done ? '' : (lines.pop() ?? '');
      for (const line of lines) if (line.trim() !== '') yield line.trim();
      if (done) return;
      if (pending.length > maxLineCharacters)
        throw new RangeError(`a line is longer than ${maxLineCharacters} characters`);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
