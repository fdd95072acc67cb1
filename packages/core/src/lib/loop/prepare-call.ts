import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertPlainJson } from '../approvals/action-hash.ts';
import type { Approval, ApprovalAction } from '../approvals/approvals.ts';
import { describeThrown, type GenieErrorCode, toErrorRecord } from '../genie-error.ts';
import { type JsonValue, parseJson } from '../json.ts';
import type { Tool } from '../tool/tool.ts';
import type { CallPart } from './call-model.ts';
import type { LoopContext } from './loop-context.ts';
import type { CallOutcome } from './transcript.ts';

/** What is known of a call before it is made. */
export type PreparedCall =
  | {
      readonly state: 'ready';
      readonly tool: Tool;
      readonly input: unknown /** The user was asked. */;
      readonly approved: boolean;
    }
  | { readonly state: 'refused'; readonly outcome: CallOutcome }
  | { readonly state: 'waiting'; readonly approvalIds: readonly string[] };

/** State of a call that a former process had begun. */
export type CallIntent = 'started' | 'not-done' | undefined;

/**
 * Looks the tool up, reads and checks the arguments, and asks the user where that is due. Answers synchronously when
 * nothing has to be awaited, which is the usual case.
 */
export function prepareCall(
  loop: LoopContext,
  step: number,
  call: CallPart,
  intent: CallIntent,
): PreparedCall | Promise<PreparedCall> {
  const tool = loop.tools.get(call.tool);
  if (!tool) return refused('GENIE_TOOL_UNKNOWN', unknownTool(loop, call.tool));
  let value: unknown;
  try {
    value = call.input.trim() === '' ? {} : parseJson(call.input);
  } catch (error) {
    return refused('GENIE_TOOL_INPUT', `The arguments of "${tool.name}" are not JSON (${describeThrown(error)}).`);
  }
  let result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
  try {
    result = tool.input['~standard'].validate(value);
  } catch (error) {
    return refused(
      'GENIE_TOOL_INPUT',
      `The arguments of "${tool.name}" could not be checked (${describeThrown(error)}).`,
    );
  }
  const candidate = { step, call, tool, intent, written: value };
  if (result instanceof Promise) return result.then((checked) => admit(loop, candidate, checked));
  return admit(loop, candidate, result);
}

interface Candidate {
  readonly step: number;
  readonly call: CallPart;
  readonly tool: Tool;
  readonly intent: CallIntent;
  /** The arguments as the model wrote them, parsed. */
  readonly written: unknown;
}

function admit(
  loop: LoopContext,
  candidate: Candidate,
  checked: StandardSchemaV1.Result<unknown>,
): PreparedCall | Promise<PreparedCall> {
  const { tool, intent } = candidate;
  if (checked.issues) return refused('GENIE_TOOL_INPUT', describeIssues(tool.name, checked.issues));
  const ready: PreparedCall = { state: 'ready', tool, input: checked.value, approved: false };
  if (intent === 'started' && tool.effect === 'once') return askInDoubt(loop, candidate, checked.value);
  // The user was asked before the call began; the same call needs no second answer.
  if (tool.approval === 'never' || intent !== undefined) return ready;
  return askPolicy(loop, candidate, checked.value);
}

async function askPolicy(loop: LoopContext, candidate: Candidate, input: unknown): Promise<PreparedCall> {
  const { step, call, tool } = candidate;
  const { approval: policy } = tool;
  let isNeeded: boolean;
  try {
    isNeeded = typeof policy === 'function' ? await policy(input) : true;
  } catch {
    isNeeded = true;
  }
  if (!isNeeded) return { state: 'ready', tool, input, approved: false };
  const action: ApprovalAction = {
    kind: 'tool',
    genieId: loop.genieId,
    subject: `tool:${tool.name}`,
    payload: { tool: tool.name, input: storableInput(candidate, input), step, callId: call.id },
  };
  return ask(loop, { action, title: `Run ${tool.name} with ${shorten(call.input)}`, call, tool, input });
}

function askInDoubt(loop: LoopContext, candidate: Candidate, input: unknown): Promise<PreparedCall> {
  const { step, call, tool } = candidate;
  const action: ApprovalAction = {
    kind: 'in-doubt',
    genieId: loop.genieId,
    // Names this very call, so that "always" can never cover another one.
    subject: `in-doubt:${loop.runId}:${step}:${call.id}`,
    payload: { tool: tool.name, input: storableInput(candidate, input), step, callId: call.id },
  };
  const title = `In doubt: ${tool.name} with ${shorten(call.input)} was interrupted and may have happened. Make this call again?`;
  return ask(loop, { action, title, call, tool, input });
}

/** What the user decides about: the checked arguments, or, when a schema made something else than JSON of them (a Date), the written ones. */
function storableInput({ written }: Candidate, input: unknown): JsonValue {
  try {
    assertPlainJson(input, 'input');
    return input as JsonValue;
  } catch {
    return written as JsonValue;
  }
}

interface Question {
  readonly action: ApprovalAction;
  readonly title: string;
  readonly call: CallPart;
  readonly tool: Tool;
  readonly input: unknown;
}

async function ask(loop: LoopContext, question: Question): Promise<PreparedCall> {
  const { action, title, call, tool, input } = question;
  const { approvals } = loop;
  if (!approvals)
    return refused('GENIE_APPROVAL_DENIED', `${title} — nobody can be asked here, so it was not done.`, 'denied');
  try {
    const request = { action, title, runId: loop.runId, callId: call.id };
    const row = await approvals.request(request, { signal: loop.guard.signal });
    if (row.status === 'pending') return waiting(loop, row);
    emitDecided(loop, row);
    if (row.status !== 'allowed' || !(await approvals.consume(row.id, action))) return denied(tool, row);
    if (tool.approval === 'first-use' && action.kind === 'tool' && !row.byGrant) {
      await approvals.grants.add({
        genieId: loop.genieId,
        kind: 'tool',
        subject: action.subject,
        effect: 'allow',
        approvalId: row.id,
      });
    }
    return { state: 'ready', tool, input, approved: true };
  } catch (error) {
    return { state: 'refused', outcome: { status: 'failed', error: toErrorRecord(error, 'GENIE_APPROVAL_STORE') } };
  }
}

function waiting(loop: LoopContext, row: Approval): PreparedCall {
  loop.emit({
    type: 'approval.requested',
    at: loop.clock.now(),
    source: 'core.loop',
    runId: loop.runId,
    approvalId: row.id,
    kind: row.action.kind,
    title: row.title,
    ...(row.callId ? { callId: row.callId } : {}),
  });
  return { state: 'waiting', approvalIds: [row.id] };
}

function emitDecided(loop: LoopContext, row: Approval): void {
  loop.emit({
    type: 'approval.decided',
    at: loop.clock.now(),
    source: 'core.loop',
    runId: loop.runId,
    approvalId: row.id,
    status: row.status,
    ...(row.decision ? { by: row.decision.by } : {}),
  });
}

function denied(tool: Tool, row: Approval): PreparedCall {
  const isInDoubt = row.action.kind === 'in-doubt';
  const why = row.status === 'expired' ? 'nobody answered in time' : (row.decision?.note ?? 'the user said no');
  const message = isInDoubt
    ? `An earlier attempt of "${tool.name}" was interrupted and may have happened; it was not repeated (${why}).`
    : `"${tool.name}" was not run: ${why}.`;
  return refused('GENIE_APPROVAL_DENIED', message, 'denied');
}

function refused(code: GenieErrorCode, message: string, status: 'failed' | 'denied' = 'failed'): PreparedCall {
  return { state: 'refused', outcome: { status, error: { code, message } } };
}

function unknownTool(loop: LoopContext, name: string): string {
  const names = loop.tools.list().map((tool) => tool.name);
  return `There is no tool ${JSON.stringify(name.slice(0, 80))}. ${names.length > 0 ? `Use one of: ${names.join(', ')}.` : 'No tools are offered.'}`;
}

function describeIssues(tool: string, issues: readonly StandardSchemaV1.Issue[]): string {
  const lines = issues.slice(0, 8).map((issue) => {
    const path = issue.path?.map((part) => (typeof part === 'object' ? String(part.key) : String(part))).join('.');
    return path ? `${path}: ${issue.message}` : issue.message;
  });
  return `The arguments of "${tool}" are not valid: ${lines.join('; ')}. Correct them and call again.`;
}

/** One line that shows what it says: no control characters, and none that turn the direction of text. */
function shorten(text: string): string {
  const cut = text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text;
  return cut.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}
