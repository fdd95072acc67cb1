import type { ToolCallSummary } from '@genie/core/ports';
import { z } from 'zod';
import { defineProbe, fromRun, noData, type ProbeContext, type ProbeResult } from './probe.ts';
import { toNumber, tryParseJson, valueAtPath } from './run-field-probe.ts';

const schema = z.discriminatedUnion('measure', [
  z.strictObject({ measure: z.literal('success'), tool: z.string().min(1).optional() }),
  z.strictObject({ measure: z.literal('calls'), tool: z.string().min(1).optional() }),
  z.strictObject({ measure: z.literal('field'), tool: z.string().min(1), field: z.string().min(1) }),
]);

/**
 * What the tools returned: `success` is the percentage of calls that completed, `calls` their number, `field` a number in the JSON
 * output of the last completed call of a tool (dotted path; a list counts its members).
 */
export const toolResultProbe = defineProbe('tool-result', schema, (options, context) => {
  const calls = context.run.toolCalls.filter((call) => options.tool === undefined || call.tool === options.tool);
  const part = `toolCalls${options.tool === undefined ? '' : `.${options.tool}`}`;
  if (options.measure === 'calls') return fromRun(context, part, { value: calls.length, evidence: evidenceOf(calls) });
  if (options.measure === 'field') return lastField(context, part, options.field, calls);
  if (calls.length === 0) return noData('not-applicable', `run:${part}`, 'no tool was called');
  const completed = calls.filter((call) => call.status === 'completed').length;
  const value = (100 * completed) / calls.length;
  return fromRun(context, part, { value, weight: calls.length, evidence: evidenceOf(calls) });
});

function lastField(context: ProbeContext, part: string, field: string, calls: readonly ToolCallSummary[]): ProbeResult {
  const source = `run:${part}#${field}`;
  const last = calls.findLast((call) => call.status === 'completed');
  if (last === undefined) return noData('failed', source, 'the tool did not complete in this run');
  const output = tryParseJson(last.outputText);
  if (output === undefined) return noData('failed', source, 'the output is no JSON, or was cut because it is too long');
  const value = toNumber(valueAtPath(output, field));
  if (value === undefined) return noData('failed', source, `the output has no number at "${field}"`);
  return fromRun(context, `${part}#${field}`, { value, evidence: { callId: last.callId, field, value } });
}

function evidenceOf(calls: readonly ToolCallSummary[]): { callId: string; tool: string; status: string }[] {
  return calls.map(({ callId, tool, status }) => ({ callId, tool, status }));
}
