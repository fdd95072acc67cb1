import { protocolError, rpcCodes } from '../mcp-errors.ts';

const pageLength = 200;

/** One page of a listing. The cursor is the place of its first item. */
export function takePage<Item>(
  items: readonly Item[],
  cursor: string | undefined,
): { readonly items: readonly Item[]; readonly next: { readonly nextCursor?: string } } {
  const start = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isInteger(start) || start < 0)
    throw protocolError(rpcCodes.invalidParams, `The cursor ${JSON.stringify(cursor)} is not one of this server.`);
  const end = start + pageLength;
  return { items: items.slice(start, end), next: end < items.length ? { nextCursor: `${end}` } : {} };
}
