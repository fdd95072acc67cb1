import { GenieError } from '@genie/core/errors';

/** JSON-RPC and protocol codes that this package sends itself (https://modelcontextprotocol.io/specification/2026-07-28). */
export const rpcCodes = {
  invalidParams: -32602,
  methodNotFound: -32601,
  internal: -32603,
  missingCapability: -32021,
} as const;

/**
 * An error that reaches the client as a JSON-RPC error instead of a failed result: for requests that make no sense, not
 * for work that went wrong. Code `GENIE_MCP_PROTOCOL`.
 */
export function protocolError(rpcCode: number, message: string, data?: unknown): GenieError {
  return new GenieError('GENIE_MCP_PROTOCOL', message, {
    details: { rpcCode, ...(data === undefined ? {} : { data }) },
  });
}

/** The JSON-RPC part of a {@link protocolError}; undefined for every other error. */
export function rpcPart(error: unknown): { readonly code: number; readonly data: unknown } | undefined {
  if (!GenieError.isInstance(error) || error.code !== 'GENIE_MCP_PROTOCOL') return undefined;
  const code = error.details?.rpcCode;
  return typeof code === 'number' ? { code, data: error.details?.data } : undefined;
}

/** The client did not declare what this request needs. */
export function missingCapability(required: Readonly<Record<string, unknown>>): GenieError {
  return protocolError(
    rpcCodes.missingCapability,
    `This request needs client capabilities that were not declared: ${JSON.stringify(required)}.`,
    { requiredCapabilities: required },
  );
}
