import { describeThrown, GenieError } from '@genie/core/errors';
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';

const lost: readonly string[] = [SdkErrorCode.ConnectionClosed, SdkErrorCode.NotConnected];
const neverSent: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Turns whatever a request failed with into a coded error. */
export function mapFailure(server: string, error: unknown): GenieError {
  const known = genieCause(error);
  if (known) return known;
  const options = { cause: error };
  if (ProtocolError.isInstance(error))
    return new GenieError('GENIE_MCP_TOOL_FAILED', `The server ${server} refused: ${error.message}`, options);
  if (SdkError.isInstance(error)) {
    if (error.code === SdkErrorCode.RequestTimeout)
      return new GenieError('GENIE_MCP_TIMEOUT', `The server ${server} did not answer in time.`, options);
    if (lost.includes(error.code) || isLostSession(error))
      return new GenieError('GENIE_MCP_CONNECTION', `The connection to ${server} was lost.`, options);
    return new GenieError('GENIE_MCP_RESULT', `The answer of ${server} cannot be used: ${error.message}`, options);
  }
  if (error instanceof TypeError)
    return new GenieError('GENIE_MCP_CONNECTION', `${server} cannot be reached: ${describeThrown(error)}.`, options);
  return new GenieError('GENIE_MCP_RESULT', `The call to ${server} failed: ${describeThrown(error)}`, options);
}

/** True when the server cannot have begun: the call may be made again whatever its effect is. */
export function wasNotSent(error: GenieError): boolean {
  if (isLostSession(error.cause)) return true;
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && neverSent.has(cause.code)) return true;
  return false;
}

/**
 * 404 to a request with a session: the server forgot it, so nothing was done. Servers on the older SDK's example answer 400 and
 * say so in words.
 */
function isLostSession(error: unknown): boolean {
  if (!SdkHttpError.isInstance(error)) return false;
  return error.status === 404 || (error.status === 400 && /session/i.test(error.message));
}

/** An error of ours inside one of the SDK, e.g. a refusal of the egress filter. */
export function genieCause(error: unknown): GenieError | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (GenieError.isInstance(cause)) return cause;
  return undefined;
}
