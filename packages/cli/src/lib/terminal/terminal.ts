import type { ReadStream } from 'node:tty';
import { createStyle, type Style } from '../../print/style.ts';

/** Where a command prints and asks. Made once from the process by `main.ts`; tests make their own. */
export interface Terminal {
  /** A person can be asked: input and output are terminals and the output is not JSON. */
  readonly isInteractive: boolean;
  /** The output can be redrawn: a terminal, not a pipe. */
  readonly isLive: boolean;
  readonly json: boolean;
  readonly debug: boolean;
  readonly style: Style;
  /** Notes can be redrawn. */
  readonly notesAreLive: boolean;
  readonly noteStyle: Style;
  /** Characters in a line. */
  readonly width: number;
  readonly stdin: NodeJS.ReadStream | ReadStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** A line for people. Nothing when the output is JSON. */
  print(line?: string): void;
  /** A JSON line or document. Nothing unless the output is JSON. */
  printJson(value: unknown): void;
  /** A line for people that is no result: progress, hints, warnings. Goes to stderr. */
  note(line: string): void;
}

export interface TerminalOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly json: boolean;
  readonly debug: boolean;
  /** `--color` or `--no-color`; undefined leaves it to the terminal and NO_COLOR. */
  readonly color: boolean | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function createTerminal(options: TerminalOptions): Terminal {
  const { stdin, stdout, stderr, json, debug, environment } = options;
  const isDumb = environment.TERM === 'dumb';
  const isLive = stdout.isTTY === true && !isDumb && !json;
  const notesAreLive = stderr.isTTY === true && !isDumb && !json;
  const colors = (live: boolean) => createStyle(!json && (options.color ?? (live && !environment.NO_COLOR)));
  return {
    // A terminal without a width (some recorders, some CI) cannot show a question.
    isInteractive: isLive && stdin.isTTY === true && stdout.columns !== 0,
    isLive,
    json,
    debug,
    style: colors(isLive),
    notesAreLive,
    noteStyle: colors(notesAreLive),
    get width() {
      return Math.max(40, Math.min(stdout.columns || stderr.columns || 100, 120));
    },
    stdin,
    stdout,
    stderr,
    print: (line = '') => void (json || stdout.write(`${line}\n`)),
    printJson: (value) => void (json && stdout.write(`${JSON.stringify(value)}\n`)),
    note: (line) => void stderr.write(`${line}\n`),
  };
}
