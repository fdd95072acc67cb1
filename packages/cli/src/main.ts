#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { runCli } from './lib/cli/run-cli.ts';

// A reader that goes away (`genie list | head -1`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  environment: process.env,
  workingFolder: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  version,
  exit: (code) => process.exit(code),
  onInterrupt(listener) {
    const onTerminate = (): void => {
      listener();
      process.exitCode = 128 + constants.signals.SIGTERM;
    };
    process.on('SIGINT', listener);
    process.on('SIGTERM', onTerminate);
    return () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', onTerminate);
    };
  },
});
