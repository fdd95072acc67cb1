import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GenieEvent, parseJson } from '@genie/core/ports';
import { eventLogPath, olderEventLogPath } from '../compose/event-log.ts';

/** An event as stored; only what all of them have is certain. */
export type LoggedEvent = Pick<GenieEvent, 'type' | 'at' | 'source'> & { readonly runId?: string };

/** Where reading stopped: the file, by its inode, and the byte. */
export interface LogPosition {
  readonly file: number;
  readonly offset: number;
}

/** What the log of a home holds, oldest first. Lines that cannot be read are left out. */
export function readEvents(home: string): { readonly events: readonly LoggedEvent[]; readonly position: LogPosition } {
  const older = existsSync(olderEventLogPath(home)) ? readFileSync(olderEventLogPath(home), 'utf8') : '';
  const { text, position } = readFrom(eventLogPath(home), { file: 0, offset: 0 });
  return { events: parseLines(older + text), position };
}

const lookEveryMs = 200;

/** Events from a position on, until the signal aborts. Follows the log into its next file. */
export async function* followEvents(
  home: string,
  options: { readonly position: LogPosition; readonly signal: AbortSignal },
): AsyncIterable<LoggedEvent> {
  let { position } = options;
  while (!options.signal.aborted) {
    const read = readFrom(eventLogPath(home), position);
    position = read.position;
    yield* parseLines(read.text);
    await sleep(lookEveryMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** Whole lines only: the rest is read next time. A file that was replaced is read from its start. */
function readFrom(path: string, position: LogPosition): { readonly text: string; readonly position: LogPosition } {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return { text: '', position };
  }
  try {
    const { ino, size } = fstatSync(descriptor);
    const offset = ino === position.file && size >= position.offset ? position.offset : 0;
    const bytes = Buffer.alloc(size - offset);
    const length = readSync(descriptor, bytes, 0, bytes.length, offset);
    const end = bytes.subarray(0, length).lastIndexOf(0x0a) + 1;
    return { text: bytes.toString('utf8', 0, end), position: { file: ino, offset: offset + end } };
  } finally {
    closeSync(descriptor);
  }
}

function parseLines(text: string): readonly LoggedEvent[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      const event = parseJson(line) as LoggedEvent | null;
      return typeof event?.type === 'string' && typeof event.at === 'number' ? [event] : [];
    } catch {
      return [];
    }
  });
}
