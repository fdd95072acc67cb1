import { spawn } from 'node:child_process';
import { GenieError } from '@genie/core/errors';
import type { Trial, TrialResult } from './experiment.ts';

export interface ProcessTrialOptions {
  /** URL of a module that exports `trial(request)`; the request is a {@link TrialRequest} without its signal. */
  readonly module: string | URL;
  /** Flags of Node for the process, e.g. `--conditions=…`. */
  readonly execArgv?: readonly string[];
  /** The whole environment of the process. Default: empty. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Default 1 GiB of heap. */
  readonly maxHeapMb?: number;
}

const childSource = `
process.once('message', async ({ module, request }) => {
  const send = (message) => process.send(message, () => process.exit(0));
  try {
    const { trial } = await import(module);
    if (typeof trial !== 'function') throw new Error(module + ' exports no function "trial"');
    send({ result: await trial(request) });
  } catch (error) {
    send({ error: String(error && error.stack ? error.stack : error) });
  }
});
`;

/**
 * Runs each case in a Node process of its own, which is killed when the trial is aborted or takes too long. Rejects with
 * `GENIE_EXPERIMENT_TRIAL` when the process failed.
 */
export function processTrial(options: ProcessTrialOptions): Trial {
  const { timeoutMs = 600_000, maxHeapMb = 1024, execArgv = [], environment = {} } = options;
  return async ({ signal, ...request }) => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const flags = [...execArgv, `--max-old-space-size=${maxHeapMb}`, '--input-type=module', '--eval', childSource];
    const child = spawn(process.execPath, flags, {
      cwd: request.folder,
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      signal: limited,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    return new Promise<TrialResult>((resolve, reject) => {
      const fail = (why: string): void => reject(new GenieError('GENIE_EXPERIMENT_TRIAL', `The trial process ${why}.`));
      child.once('message', (message: { readonly result?: TrialResult; readonly error?: string }) => {
        if (message.error === undefined) resolve(message.result ?? {});
        else fail(`failed: ${message.error}`);
      });
      child.once('error', (error) =>
        fail(limited.aborted ? `was stopped: ${String(limited.reason)}` : `failed: ${error.message}`),
      );
      child.once('exit', (code, killedBy) => fail(`ended with ${killedBy ?? `exit code ${code}`} before it answered`));
      child.send({ module: String(options.module), request });
    });
  };
}
