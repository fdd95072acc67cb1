import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCli } from '../src/lib/cli/run-cli.ts';

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line in this process. Keys of the reader's environment stay out. */
export async function runGenie(
  argv: readonly string[],
  homes: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  await runCli({
    argv,
    environment: {
      GENIE_HOME: homes,
      PATH: process.env.PATH ?? '',
      // The sources are TypeScript, which each process of an experiment would strip anew.
      NODE_COMPILE_CACHE: join(homes, '../compiled'),
      ...environment,
    },
    workingFolder: homes,
    version: 'demo',
    stdin: Readable.from(['']) as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    onInterrupt: () => () => undefined,
    exit: () => undefined,
  });
  stdout.end();
  stderr.end();
  const [out, notes] = await texts;
  return { stdout: out, stderr: notes };
}
