import { GenieError } from '@genie/core/errors';
import type { Daemon, DaemonOptions } from './daemon.ts';
import { LocalDaemon } from './local-daemon.ts';

/** Starts a daemon. Throws `GENIE_DAEMON_OPTIONS`. Failures to load show in `ready()` and in requests. */
export function createDaemon(options: DaemonOptions): Daemon {
  checkOptions(options);
  return new LocalDaemon(options);
}

function checkOptions({ models, workers = 1, maxQueued = 1_000 }: DaemonOptions): void {
  if (Object.keys(models).length === 0)
    throw new GenieError(
      'GENIE_DAEMON_OPTIONS',
      'The daemon has no models: pass { models: { <id>: <path of a GGUF file> } }.',
    );
  if (!Number.isInteger(workers) || workers < 1 || workers > 4)
    throw new GenieError('GENIE_DAEMON_OPTIONS', `The daemon has workers ${workers}: use 1 to 4.`);
  if (!Number.isInteger(maxQueued) || maxQueued < 1)
    throw new GenieError('GENIE_DAEMON_OPTIONS', `The daemon has maxQueued ${maxQueued}: use a whole number from 1.`);
}
