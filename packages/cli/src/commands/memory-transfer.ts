import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { Memory } from '@genie/memory';
import type { CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { count } from '../print/amounts.ts';

/** `genie memory export`: JSON lines to standard output, or to a new file that only its owner reads. */
export async function exportMemories(memory: Memory, context: CommandContext): Promise<ExitCode> {
  const { flags, terminal, signal, workingFolder } = context;
  const namespace = flags.text('namespace');
  const lines = memory.export({ signal, ...(namespace === undefined ? {} : { namespace }) });
  const output = flags.text('output');
  if (output === undefined) {
    for await (const line of lines) await write(terminal.stdout, `${line}\n`);
    return exitCodes.ok;
  }
  const path = resolve(workingFolder, output);
  const records = await writeFile(path, lines, signal);
  terminal.printJson({ output: path, records });
  terminal.print(`Exported ${count(records, 'record')} to ${path}. Anyone who has the file can read it.`);
  return exitCodes.ok;
}

/** `genie memory import FILE`: what is there already, or was forgotten here, is skipped. `-` reads standard input. */
export async function importMemories(
  memory: Memory,
  [file]: readonly string[],
  { terminal, signal, workingFolder }: CommandContext,
): Promise<ExitCode> {
  if (file === undefined) throw usageError('genie memory import needs the file of an export, or - for standard input.');
  const input = file === '-' ? terminal.stdin : await readable(resolve(workingFolder, file));
  const result = await memory.import(linesOf(input), { signal });
  terminal.printJson(result);
  terminal.print(`${count(result.stored, 'record')} stored, ${result.skipped} skipped.`);
  return exitCodes.ok;
}

async function readable(path: string): Promise<NodeJS.ReadableStream> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw usageError(`${path} cannot be read: ${error.code ?? error.message}.`);
  });
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw usageError(`${path} is a folder: name the file of an export.`);
  }
  await handle.close();
  return createReadStream(path);
}

/**
 * The lines of a stream, read only when asked for. Node's own line reader starts at once and drops what came before the first listener
 * (here: while the memory opens), and it ends quietly where the stream fails.
 */
async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  input.setEncoding('utf8');
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

async function writeFile(path: string, lines: AsyncIterable<string>, signal: AbortSignal): Promise<number> {
  const handle = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EEXIST' ? 'exists already, and nothing is overwritten' : (error.code ?? error.message);
    throw new GenieError('GENIE_CLI_EXISTS', `${path}: ${why}. Name another file.`);
  });
  try {
    let records = -1; // The first line is the header.
    for await (const line of lines) {
      signal.throwIfAborted();
      await handle.write(`${line}\n`);
      records += 1;
    }
    await handle.sync();
    return records;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return stream.write(text) ? Promise.resolve() : new Promise((written) => stream.once('drain', () => written()));
}
