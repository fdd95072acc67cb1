import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TerminalMode } from './terminal-mode.ts';

/** One line of the audit log. Format 1. */
export interface TerminalNote {
  readonly format: 1;
  readonly session: string;
  /** Epoch ms. */
  readonly at: number;
  readonly type: 'open' | 'input' | 'end';
  readonly user: string;
  readonly container: string;
  readonly mode: TerminalMode;
  /** What was typed; the size; the reason of the end. */
  readonly text: string;
}

/** Where terminals note what happens. `append` resolves when the note is on disk; a rejection ends the terminal. */
export interface TerminalAudit {
  append(note: TerminalNote): Promise<void>;
  close(): Promise<void>;
}

/** One JSON line a note, appended and synced. What is typed may be secret, so only this user may read the file. */
export function openTerminalAudit(path: string): TerminalAudit {
  let file: Promise<FileHandle> | undefined;
  let work: Promise<void> = Promise.resolve();
  return {
    append(note) {
      const written = work.then(async () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        file ??= open(path, 'a', 0o600);
        const handle = await file;
        await handle.appendFile(`${JSON.stringify(note)}\n`);
        await handle.datasync();
      });
      work = written.catch(() => {
        file = undefined;
      });
      return written;
    },
    async close() {
      await work;
      await (await file)?.close();
      file = undefined;
    },
  };
}
