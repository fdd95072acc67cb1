import { GenieError } from '@genie/core/errors';

export interface LineReader {
  /** Throws `GENIE_MCP_TOO_LARGE` for a line past the limit; what was held of it is let go. */
  push(chunk: Buffer): void;
  clear(): void;
}

const newline = 10;
const firstHoldBytes = 64 * 1024;

/**
 * Cuts a stream of bytes into lines of UTF-8; bytes that are none become U+FFFD. Work and memory are those of the line,
 * however small the chunks are that it comes in.
 */
export function readLines(maxBytes: number, onLine: (line: string) => void): LineReader {
  let held = Buffer.alloc(0);
  let length = 0;
  const clear = (): void => {
    if (held.length > firstHoldBytes) held = Buffer.alloc(0);
    length = 0;
  };
  const hold = (part: Buffer): void => {
    const needed = length + part.length;
    if (needed > maxBytes) {
      clear();
      throw new GenieError('GENIE_MCP_TOO_LARGE', `The server sent a message of more than ${maxBytes} bytes.`);
    }
    if (needed > held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(maxBytes, held.length * 2), firstHoldBytes));
      held.copy(larger, 0, 0, length);
      held = larger;
    }
    part.copy(held, length);
    length = needed;
  };
  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        hold(chunk.subarray(start, end));
        const line = held.toString('utf8', 0, length);
        clear();
        start = end + 1;
        onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
      }
      hold(chunk.subarray(start));
    },
    clear,
  };
}
