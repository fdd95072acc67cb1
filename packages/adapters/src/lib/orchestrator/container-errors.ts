import { describeThrown, GenieError } from '@genie/core/errors';

export function unknownContainer(name: string, cause?: unknown): GenieError {
  return new GenieError('GENIE_CONTAINER_UNKNOWN', `There is no container ${JSON.stringify(name)}. Create it first.`, {
    cause,
  });
}

export function containerExists(name: string): GenieError {
  return new GenieError(
    'GENIE_CONTAINER_EXISTS',
    `A container ${JSON.stringify(name)} exists already. Destroy it first, or use another name.`,
  );
}

export function wrongState(name: string, state: string, wanted: string): GenieError {
  return new GenieError(
    'GENIE_CONTAINER_STATE',
    `Container ${JSON.stringify(name)} is ${state}; it has to be ${wanted}.`,
  );
}

export function unsupported(orchestrator: string, what: string): GenieError {
  return new GenieError('GENIE_CONTAINER_UNSUPPORTED', `The orchestrator "${orchestrator}" has no ${what}.`);
}

/** `isPassing`: the runtime's own trouble, e.g. while it is going down; the same call may work a little later. */
export function containerFailed(what: string, error: unknown, isPassing = false): GenieError {
  return new GenieError('GENIE_CONTAINER_FAILED', `${what} failed: ${describeThrown(error)}`, {
    cause: error,
    ...(isPassing ? { details: { isPassing } } : {}),
  });
}

export function unreachable(where: string, error: unknown): GenieError {
  return new GenieError(
    'GENIE_CONTAINER_UNREACHABLE',
    `${where} does not answer (${describeThrown(error)}). Check that it runs and that this process may use it.`,
    { cause: error },
  );
}
