import type { Environment } from '@genie/inference';
import type { Terminal } from '../terminal/terminal.ts';
import type { ExitCode } from './exit-codes.ts';
import type { FlagValues } from './flag-values.ts';

/** One flag of a command, as `--help`, the parser and the shell completion read it. */
export interface Flag {
  readonly type: 'boolean' | 'text' | 'number';
  readonly help: string;
  /** What stands for the value in `--help`, e.g. `HOST`. */
  readonly value?: string;
  /** One letter. */
  readonly short?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  /** Takes all words up to the next flag, for commands without positionals: `--allow a b c`. */
  readonly variadic?: boolean;
  readonly choices?: readonly string[];
}

export type Flags = Readonly<Record<string, Flag>>;

/** What a command gets; nothing below it reads the process. */
export interface CommandContext {
  readonly flags: FlagValues;
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly workingFolder: string;
  /** Of the command line. */
  readonly version: string;
  /** Every command, for `help` and `completion`. */
  readonly commands: Catalogue;
  /** Aborts at the first Ctrl-C; the second one ends the process. */
  readonly signal: AbortSignal;
}

/** One command: its words, its flags and its work. The module loads nothing heavy before `run`. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** After `genie`, e.g. `run [NAME] [options]`. */
  readonly usage: string;
  /** More than the summary, for `--help`. */
  readonly description?: string;
  readonly flags: Flags;
  /** Command line and what it does. */
  readonly examples: readonly (readonly [commandLine: string, meaning: string])[];
  /** True when the command ends by itself after an abort. Otherwise Ctrl-C ends the process at once. */
  readonly stopsByItself?: boolean;
  /** Most positionals it takes. Default unlimited. */
  readonly maxPositionals?: number;
  run(context: CommandContext): Promise<ExitCode>;
}

/** Commands by name, in the order of `genie help`. A command is loaded when it is called. */
export type Catalogue = Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<{ readonly command: Command }> }>
>;

/** Flags that every command takes. */
export const globalFlags: Flags = {
  home: { type: 'text', value: 'DIR', help: 'the folder of the genie, instead of its name' },
  store: {
    type: 'text',
    value: 'WHERE',
    help: 'where genies keep runs, approvals, memory, metrics: postgres://…, env:NAME or home (else genie.json, $GENIE_STORE)',
  },
  json: { type: 'boolean', help: 'print JSON: one document, or one object a line for streams' },
  color: { type: 'boolean', help: 'colours; --no-color and NO_COLOR turn them off' },
  debug: { type: 'boolean', help: 'print stack traces of errors' },
  help: { type: 'boolean', short: 'h', help: 'print the help of the command' },
};
