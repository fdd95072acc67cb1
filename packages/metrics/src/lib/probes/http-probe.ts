import { z } from 'zod';
import { sha256 } from '../evidence.ts';
import { defineProbe, noData } from './probe.ts';
import { toNumber, tryParseJson, valueAtPath } from './run-field-probe.ts';

const maxBodyBytes = 1024 * 1024;

const schema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }),
  method: z.enum(['GET', 'HEAD']).default('GET'),
  /** Yes when the status is this one. Without it and without `field`: the status code itself. */
  status: z.number().int().min(100).max(599).optional(),
  /** Dotted path into the JSON answer; the number there is the value. */
  field: z.string().min(1).optional(),
});

/**
 * An HTTP status or a number of a JSON answer. Only GET and HEAD, only through the egress filter, which decides on every host;
 * what it blocks or has to ask about is "no data" with its words.
 */
export const httpProbe = defineProbe('http', schema, async (options, context) => {
  const source = options.url;
  if (context.fetch === undefined)
    return noData('failed', source, 'HTTP probes need the egress filter; pass `fetch` to openMetrics');
  const { runId, genieId } = context.run;
  const claim = `KPI "${context.kpi.name}"`;
  const response = await context.fetch(
    source,
    { method: options.method, signal: context.signal },
    { runId, genieId, claim },
  );
  const body = await readBody(response);
  const evidence = {
    url: source,
    status: response.status,
    sha256: sha256(body),
    body: body.toString('utf8', 0, 16_384),
  };
  if (options.field !== undefined) {
    if (!response.ok) return noData('failed', source, `answered ${response.status}, so its content is no measurement`);
    const value = toNumber(valueAtPath(tryParseJson(body.toString('utf8')), options.field));
    if (value === undefined) return noData('failed', source, `the answer has no number at "${options.field}"`);
    return { value, grade: 'measured', source: `${source}#${options.field}`, evidence };
  }
  const value = options.status === undefined ? response.status : Number(response.status === options.status);
  return { value, grade: 'measured', source, evidence };
});

async function readBody(response: Response): Promise<Buffer> {
  if (response.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw new Error(`the answer is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
