import { type JsonValue, parseJson } from '../json.ts';
import { AbortGuard } from '../loop/abort-guard.ts';
import type { LoopCall, LoopContext } from '../loop/loop-context.ts';
import type { LoopResult } from '../loop/loop-finish.ts';
import { runWithTimeLimit } from '../loop/run-loop.ts';
import type { LoopMessage } from '../loop/transcript.ts';
import { parseBriefing } from '../parse-briefing.ts';
import { sourceKey, writeRunPrompt, writeSystemPrompt } from '../prompt.ts';
import type { Claim, ToolCallSummary } from '../run-record.ts';
import type { ExecutedRun, PlannedRun, RunDeps } from '../run-state.ts';
import { runPhase } from './record-phase.ts';

/** Lets the execution model work with the tools. Journaled step by step: a resumed run goes on inside. */
export async function execute(deps: RunDeps, state: PlannedRun): Promise<ExecutedRun> {
  return runPhase(deps, 'execute', async () => {
    const result = await runWithTimeLimit(toLoopContext(deps, state), writeStart(deps, state));
    return toExecutedRun(deps, state, result);
  });
}

function writeStart(deps: RunDeps, state: PlannedRun): readonly LoopMessage[] {
  const today = new Date(state.startedAt).toISOString().slice(0, 10);
  return [
    { role: 'system', content: writeSystemPrompt({ instructions: deps.instructions, memory: state.memory.stable }) },
    {
      role: 'user',
      content: writeRunPrompt({
        goal: deps.goal,
        sources: deps.sources,
        cursors: state.cursors,
        memory: state.memory.volatile,
        plan: state.plan,
        trigger: state.trigger,
        today,
      }),
    },
  ];
}

function toLoopContext(deps: RunDeps, { runId, planUsage, planCostUsd }: PlannedRun): LoopContext {
  const { model, price } = deps.models.execution;
  return {
    runId,
    genieId: deps.genieId,
    model,
    price,
    settings: deps.settings,
    tools: deps.tools,
    budget: deps.budget,
    spent: { usage: planUsage, costUsd: planCostUsd },
    limits: deps.limits,
    stopWhen: undefined,
    clock: deps.clock,
    approvals: deps.approvals,
    egress: deps.egress,
    memory: deps.memory,
    run: deps.run,
    keepOutput: deps.keepOutput,
    // A guard of its own: a time budget ends the loop, and the phases after it still have their work to do.
    guard: new AbortGuard(deps.guard.signal),
    emit: deps.emit,
    isStreaming: deps.isStreaming,
    ready: deps.ready,
  };
}

function toExecutedRun(deps: RunDeps, state: PlannedRun, result: LoopResult): ExecutedRun {
  const briefing = parseBriefing(result.text);
  return {
    ...state,
    text: result.text,
    claim: claimOf(result),
    briefing,
    finish: result.finish,
    steps: result.steps,
    usage: result.usage,
    costUsd: result.costUsd,
    toolCalls: result.calls.map(summarizeCall),
    newCursors: readCursors(result.calls),
    endedAt: deps.clock.now(),
  };
}

/** What the run says of itself. It turns nothing green: probes decide. */
function claimOf(result: LoopResult): Claim {
  if (result.finish.reason !== 'stop' && result.finish.reason !== 'stop-condition') return 'not-achieved';
  if (result.text.trim() === '') return 'none';
  return /^#{1,4}\s+not reached/im.test(result.text) ? 'partly' : 'achieved';
}

const summaryCharacters = 4_000;

function summarizeCall(call: LoopCall): ToolCallSummary {
  const { outcome } = call;
  return {
    callId: call.callId,
    tool: call.tool,
    input: readInput(call.input),
    status: outcome.status,
    outputText:
      call.outputText.length > summaryCharacters ? call.outputText.slice(0, summaryCharacters) : call.outputText,
    tookMs: call.tookMs,
    ...(outcome.status === 'completed' ? {} : { error: outcome.error }),
  };
}

function readInput(input: string): JsonValue {
  try {
    return parseJson(input) as JsonValue;
  } catch {
    return input;
  }
}

/** A result of the form `{ source: { kind, location }, cursor }` says how far that source was read. */
function readCursors(calls: readonly LoopCall[]): Record<string, string> {
  const cursors: Record<string, string> = {};
  for (const { outcome } of calls) {
    if (outcome.status !== 'completed') continue;
    const output = outcome.output as {
      readonly source?: { readonly kind?: unknown; readonly location?: unknown };
      readonly cursor?: unknown;
    } | null;
    const kind = output?.source?.kind;
    const location = output?.source?.location;
    if (typeof kind === 'string' && typeof location === 'string' && typeof output?.cursor === 'string') {
      cursors[sourceKey({ kind, location })] = output.cursor;
    }
  }
  return cursors;
}
