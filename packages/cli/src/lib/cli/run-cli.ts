import { GenieError, toErrorRecord } from '@genie/core/errors';
import type { Environment } from '@genie/inference';
import { createTerminal, type Terminal } from '../terminal/terminal.ts';
import { catalogue } from './catalogue.ts';
import type { Command } from './command.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { parseArguments } from './parse-arguments.ts';
import { printCommandHelp, printHelp } from './print-help.ts';
import { didYouMean } from './suggest.ts';
import { usageError } from './usage-error.ts';

/** The process as the command line sees it. */
export interface CliProcess {
  /** Without the program and the script. */
  readonly argv: readonly string[];
  readonly environment: Environment;
  readonly workingFolder: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly version: string;
  /** Calls back for each Ctrl-C; the returned function takes the listener off. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Runs one command line. Never rejects: what goes wrong is printed and becomes the exit code. */
export async function runCli(cli: CliProcess): Promise<ExitCode> {
  const { argv, environment } = cli;
  // Errors in the arguments themselves are printed in the form that was asked for.
  const wants = (name: string) => argv.includes(`--${name}`);
  let terminal = openTerminal(cli, {
    json: wants('json'),
    debug: wants('debug'),
    color: wants('no-color') ? false : undefined,
  });
  try {
    const first = argv[0];
    if (first === '--version' || first === '-v') {
      terminal.print(cli.version);
      terminal.printJson({ version: cli.version });
      return exitCodes.ok;
    }
    if (first === undefined || first === '--help' || first === '-h') {
      printHelp(terminal, catalogue);
      return first === undefined ? exitCodes.usage : exitCodes.ok;
    }
    const command = await findCommand(first);
    const { flags, positionals } = parseArguments(command, argv.slice(1));
    terminal = openTerminal(cli, { json: flags.on('json'), debug: flags.on('debug'), color: flags.choice('color') });
    if (flags.on('help')) {
      printCommandHelp(terminal, command);
      return exitCodes.ok;
    }
    return await interruptible(cli, command, (signal) =>
      command.run({
        flags,
        positionals,
        terminal,
        environment,
        workingFolder: cli.workingFolder,
        version: cli.version,
        commands: catalogue,
        signal,
      }),
    );
  } catch (error) {
    return printError(terminal, error);
  }
}

function openTerminal(
  cli: CliProcess,
  options: { json: boolean; debug: boolean; color: boolean | undefined },
): Terminal {
  const { stdin, stdout, stderr, environment } = cli;
  return createTerminal({ stdin, stdout, stderr, environment, ...options });
}

async function findCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
  if (entry) return (await entry.load()).command;
  const what = name.startsWith('-')
    ? `The first word is ${name}, but genie needs a command first.`
    : `genie knows no command "${name}".`;
  throw usageError(`${what}${didYouMean(name, Object.keys(catalogue))} See: genie help`);
}

/** The first Ctrl-C lets the command end in order, the second ends the process. */
async function interruptible(
  cli: CliProcess,
  command: Command,
  work: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const controller = new AbortController();
  const stop = cli.onInterrupt(() => {
    if (controller.signal.aborted || command.stopsByItself !== true) cli.exit(exitCodes.cancelled);
    else controller.abort();
  });
  try {
    return await work(controller.signal);
  } finally {
    stop();
  }
}

/** Names the thing, the value, the fix and the code; a stack only with --debug. */
export function printError(terminal: Terminal, error: unknown): ExitCode {
  const record = toErrorRecord(error, 'GENIE_CLI_FAILED');
  if (terminal.json) terminal.printJson({ error: record });
  else
    terminal.note(
      `${terminal.noteStyle.red('Error:')} ${record.message} ${terminal.noteStyle.dim(`[${record.code}]`)}`,
    );
  if (terminal.debug && error instanceof Error) terminal.note(error.stack ?? '');
  if (record.code === 'GENIE_CLI_CANCELLED' || record.code === 'GENIE_CANCELLED') return exitCodes.cancelled;
  return GenieError.isInstance(error) && error.code === 'GENIE_CLI_USAGE' ? exitCodes.usage : exitCodes.failed;
}
