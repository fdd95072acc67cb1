import { describeThrown, GenieError } from '@genie/core/errors';
import { containerFailed, unknownContainer, unreachable } from '../orchestrator/container-errors.ts';

/** Makes one call of the Docker API: with a time limit, and failures under our codes. */
export type DockerCall = <T>(
  what: { readonly what: string; readonly name?: string; readonly extraMs?: number },
  run: () => Promise<T>,
) => Promise<T>;

/** `timeoutMs` is what a daemon has that accepts a call and never answers. */
export function createDockerCall(where: string, timeoutMs: number): DockerCall {
  return async ({ what, name, extraMs = 0 }, run) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(unreachable(where, new Error(`no answer within ${timeoutMs + extraMs} ms`))),
        timeoutMs + extraMs,
      );
    });
    try {
      return await Promise.race([run(), late]);
    } catch (error) {
      throw toContainerError(error, { where, what, name });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The HTTP status of an error of the client; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const cause = GenieError.isInstance(error) ? error.cause : error;
  const status = (cause as { statusCode?: unknown } | null | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

function toContainerError(
  error: unknown,
  context: { readonly where: string; readonly what: string; readonly name: string | undefined },
): unknown {
  if (GenieError.isInstance(error) || (error as { name?: unknown } | null)?.name === 'AbortError') return error;
  const status = statusOf(error);
  if (status === undefined) return unreachable(context.where, error);
  if (status === 404 && context.name !== undefined && /no such container/i.test(describeThrown(error)))
    return unknownContainer(context.name, error);
  return containerFailed(context.what, error, status >= 500);
}
