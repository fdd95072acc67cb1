import { type ErrorRecord, GenieError } from '@genie/core/errors';
import { toModelError } from '../failure/model-failure.ts';

/** Crashes within a minute after which a worker is given up. */
export const maxCrashes = 5;

export function diedTooOften(worker: string, reason: string): ErrorRecord {
  return {
    code: 'GENIE_WORKER_FAILED',
    message: `The worker "${worker}" died ${maxCrashes} times within a minute, at last by ${reason}: check the model file and the memory.`,
  };
}

/** Sizes in MiB. */
export function tooLarge(worker: string, used: number, allowed: number): ErrorRecord {
  return {
    code: 'GENIE_WORKER_FAILED',
    message: `The worker "${worker}" takes ${used} MiB with nothing but its model, it may take ${allowed}: raise "maxWorkerMemoryBytes" or use a smaller model.`,
  };
}

export function noFirstToken(worker: string, afterMs: number): GenieError {
  return new GenieError(
    'GENIE_MODEL_TIMEOUT',
    `The worker "${worker}" gave no first token within ${afterMs} ms: raise "firstTokenTimeoutMs" or use a smaller model.`,
  );
}

/** `emitted`: some of the answer reached the caller. */
export function diedAtWork(worker: string, emitted: boolean, reason: string): GenieError {
  const what = emitted ? 'in the middle of the answer' : 'twice before the answer began';
  return new GenieError(
    'GENIE_WORKER_CRASHED',
    `The worker "${worker}" died ${what} (${reason}): send the request again.`,
  );
}

export function notSendable(why: string): GenieError {
  return toModelError({ kind: 'bad-request', message: `the request cannot be sent to a worker, ${why}` }, 'local');
}
