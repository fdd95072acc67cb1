import { GenieError } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import type { ContainerSession, Orchestrator } from '../orchestrator/orchestrator.ts';
import { createInspector } from './inspect-only.ts';
import type { TerminalAudit } from './terminal-audit.ts';
import type { TerminalMode } from './terminal-mode.ts';

export interface TerminalOptions {
  readonly orchestrator: Orchestrator;
  /** Name of the genie's container. */
  readonly name: string;
  readonly mode: TerminalMode;
  /** Who opens it, for the audit log. */
  readonly user: string;
  readonly audit: TerminalAudit;
  /** Default 80 by 24. */
  readonly columns?: number;
  readonly rows?: number;
  /** Ends it when nothing was typed for so long. Default 600,000. */
  readonly idleTimeoutMs?: number;
  /** Ends it after so long in any case. Default 14,400,000. */
  readonly maxDurationMs?: number;
  readonly clock?: Clock;
}

export type TerminalEnd = 'exit' | 'closed' | 'idle' | 'too-long' | 'audit-failed';

export interface Terminal {
  readonly mode: TerminalMode;
  /** What is to be shown. To be read once. */
  readonly output: AsyncIterable<Uint8Array>;
  /** What the user typed. */
  write(data: Uint8Array | string): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  readonly ended: Promise<TerminalEnd>;
  /** Ends it with everything it started. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens a terminal into a genie's container. `full` is a shell, for which the orchestrator needs the capability `terminal`; `read-only` takes
 * one inspection command a line and runs it without a shell. Opening, every input and the end are in the audit log; when that cannot be
 * written, the terminal ends.
 *
 * Rejects with the codes of `Orchestrator.exec`, and with `GENIE_TERMINAL_AUDIT` when the opening cannot be noted.
 */
export async function openTerminal(options: TerminalOptions): Promise<Terminal> {
  const { orchestrator, name, mode, columns = 80, rows = 24, clock = systemClock } = options;
  if (mode === 'full' && !orchestrator.capabilities.terminal) {
    throw new GenieError(
      'GENIE_CONTAINER_UNSUPPORTED',
      `The orchestrator "${orchestrator.capabilities.name}" has no terminal. Use the read-only mode.`,
    );
  }
  const note = createNotes(options, clock);
  await note('open', `${columns}x${rows}`);
  const session =
    mode === 'full' ? await openShell(options, columns, rows) : await createInspector({ orchestrator, name });
  const ended = Promise.withResolvers<TerminalEnd>();
  let closing: Promise<void> | undefined;
  const end = (reason: TerminalEnd): Promise<void> => {
    closing ??= (async () => {
      cancelIdle();
      cancelLongest();
      await session.close().catch(() => undefined);
      await note('end', reason).catch(() => undefined);
      ended.resolve(reason);
    })();
    return closing;
  };
  const { idleTimeoutMs = 600_000, maxDurationMs = 14_400_000 } = options;
  let cancelIdle = clock.schedule(idleTimeoutMs, () => void end('idle'));
  const cancelLongest = clock.schedule(maxDurationMs, () => void end('too-long'));
  void session.ended.then(() => end('exit'));
  return {
    mode,
    output: bytesOf(session),
    ended: ended.promise,
    async write(data) {
      if (closing !== undefined) return;
      cancelIdle();
      cancelIdle = clock.schedule(idleTimeoutMs, () => void end('idle'));
      try {
        await note('input', typeof data === 'string' ? data : Buffer.from(data).toString('utf8'));
      } catch (error) {
        await end('audit-failed');
        throw error;
      }
      await session.write(data);
    },
    async resize(width, height) {
      if (closing === undefined && isSize(width) && isSize(height)) await session.resize(width, height);
    },
    close: () => end('closed'),
  };
}

function createNotes(
  { name, mode, user, audit }: TerminalOptions,
  clock: Clock,
): (type: 'open' | 'input' | 'end', text: string) => Promise<void> {
  const id = crypto.randomUUID();
  return async (type, text) => {
    try {
      await audit.append({ format: 1, session: id, at: clock.now(), type, user, container: name, mode, text });
    } catch (cause) {
      throw new GenieError(
        'GENIE_TERMINAL_AUDIT',
        'The terminal was ended because its audit log cannot be written. Check the space and the rights of its folder.',
        { cause },
      );
    }
  };
}

function openShell({ orchestrator, name }: TerminalOptions, columns: number, rows: number): Promise<ContainerSession> {
  return orchestrator.exec(name, {
    command: ['/bin/sh', '-i'],
    environment: { TERM: 'xterm-256color', PS1: `${name} $ ` },
    terminal: { columns, rows },
  });
}

function isSize(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 1_000;
}

async function* bytesOf(session: Pick<ContainerSession, 'output'>): AsyncGenerator<Uint8Array> {
  for await (const { data } of session.output) yield data;
}
