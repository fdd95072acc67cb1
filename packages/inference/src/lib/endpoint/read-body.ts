import type { IncomingMessage } from 'node:http';
import { GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import type { z } from 'zod';
import { isNestedDeeper, maxNesting } from '../nesting.ts';

/** A request that is answered with this HTTP status. */
export function refusal(status: number, message: string): GenieError {
  return new GenieError('GENIE_ENDPOINT_REQUEST', `${message}.`, { details: { status } });
}

/** What a client calls by this name, or a refusal with the names that there are. */
export function named<Value>(values: Readonly<Record<string, Value>>, name: string): Value {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value !== undefined) return value;
  throw refusal(404, `The model "${name}" does not exist: there are ${Object.keys(values).join(', ') || 'none'}`);
}

/** Reads JSON of this form, no more than `maxBytes`. */
export async function readBody<Schema extends z.ZodType>(
  request: IncomingMessage,
  maxBytes: number,
  schema: Schema,
): Promise<z.output<Schema>> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    size += (piece as Buffer).length;
    if (size > maxBytes) throw refusal(413, `The request is larger than ${maxBytes} bytes`);
    pieces.push(piece as Buffer);
  }
  let body: unknown;
  try {
    body = parseJson(Buffer.concat(pieces).toString('utf8'));
  } catch {
    throw refusal(400, 'The body is no JSON');
  }
  if (isNestedDeeper(body)) throw refusal(400, `The body is nested deeper than ${maxNesting} levels`);
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw refusal(400, `The request has a wrong "${issue?.path.join('.')}": ${issue?.message}`);
}
