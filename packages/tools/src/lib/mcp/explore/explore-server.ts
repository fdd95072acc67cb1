import type { Clock, JsonObject, Tool, Toolbox } from '@genie/core';
import { GenieError, toErrorRecord } from '@genie/core/errors';
import { systemClock } from '@genie/core/ports';
import { toolName } from '../client/adapt-tool.ts';
import type { McpConnection } from '../client/mcp-connection.ts';
import type { ExploredTool, ServerExploration, SkipReason } from './exploration.ts';
import { fillArguments } from './fill-arguments.ts';

export interface ExploreBudget {
  /** Most calls. Default 10. */
  readonly calls?: number;
  /** All calls together, milliseconds. Default 60,000. */
  readonly timeMs?: number;
  /** Most bytes kept of each answer. Default 1,000. */
  readonly sampleBytes?: number;
}

export interface ExploreServerOptions {
  readonly connection: Pick<McpConnection, 'name' | 'withheld' | 'list' | 'get'>;
  /** The tools of the connection as a run gets them: without those that the settings leave out, with their approvals. Default: all. */
  readonly tools?: Pick<Toolbox, 'list'>;
  readonly genieId?: string;
  readonly budget?: ExploreBudget;
  /** What was known: tools that were never called come first, and what the budget leaves out stays known. */
  readonly earlier?: ServerExploration | undefined;
  /** Takes out of an answer what must not be kept, before it is cut. Servers answer with their environment, too. */
  readonly redact?: (text: string) => string;
  readonly clock?: Clock;
  /** Ends the exploration; what was learnt until then is returned. */
  readonly signal?: AbortSignal | undefined;
  /** Told about each tool, as it becomes known. */
  readonly onTool?: (found: ExploredTool) => void;
}

/**
 * Calls those tools of a server once that say they only read, ask nobody first and need no argument that would have to be guessed,
 * and tells what each did. The calls are those of a run: behind the connection's pins, breaker and limits, one after the other.
 * Nothing of an answer is acted on. Never rejects for what a server does. Throws `GENIE_OPTIONS_INVALID` for a budget that is no
 * positive number.
 */
export async function exploreServer(options: ExploreServerOptions): Promise<ServerExploration> {
  const { connection, earlier, clock = systemClock, onTool } = options;
  const budget = checkBudget(options.budget);
  const tools = (options.tools ?? connection).list();
  const found = new Map<string, ExploredTool>();
  const keep = (one: ExploredTool): void => {
    found.set(one.tool, one);
    onTool?.(one);
  };
  const deadline = new AbortController();
  const cancel = clock.schedule(budget.timeMs, () => deadline.abort());
  const call: CallContext = {
    genieId: options.genieId ?? 'genie',
    sampleOf: (text) => firstBytes(options.redact?.(text) ?? text, budget.sampleBytes),
    clock,
    deadline: deadline.signal,
    stop: options.signal,
  };
  let callsLeft = budget.calls;
  try {
    for (const tool of byLastCall(tools, earlier)) {
      const plan = await planCall(tool);
      if ('outcome' in plan) {
        keep(plan);
        continue;
      }
      if (options.signal?.aborted) keep(orKnown(skipped(tool, 'stopped'), earlier));
      else if (callsLeft === 0 || deadline.signal.aborted) keep(orKnown(skipped(tool, 'budget'), earlier));
      else {
        callsLeft -= 1;
        keep(orKnown(await callOnce(tool, plan.input, call), earlier));
      }
    }
  } finally {
    cancel();
  }
  const withheld = connection.withheld.map(({ name }) => toolName(connection.name, name));
  for (const tool of withheld) if (!found.has(tool)) keep({ tool, outcome: 'skipped', why: 'withheld' });
  const order = new Set([...tools.map(({ name }) => name), ...withheld]);
  return { at: clock.now(), tools: [...order].flatMap((name) => found.get(name) ?? []) };
}

function checkBudget({
  calls = 10,
  timeMs = 60_000,
  sampleBytes = 1_000,
}: ExploreBudget = {}): Required<ExploreBudget> {
  for (const [name, value] of Object.entries({ calls, timeMs, sampleBytes }))
    if (!Number.isSafeInteger(value) || value <= 0)
      throw new GenieError('GENIE_OPTIONS_INVALID', `"budget.${name}" is ${value}: use a whole number of at least 1.`);
  return { calls, timeMs, sampleBytes };
}

/** What was called longest ago, or never, comes first. */
function byLastCall(tools: readonly Tool[], earlier: ServerExploration | undefined): readonly Tool[] {
  const lastCall = ({ name }: Tool): number => {
    const known = earlier?.tools.find(({ tool }) => tool === name);
    return known && known.outcome !== 'skipped' ? known.at : 0;
  };
  return tools.toSorted((left, right) => lastCall(left) - lastCall(right));
}

const passing: readonly SkipReason[] = ['budget', 'stopped', 'unavailable'];

/** What was known of a tool stays when it was not called for a reason that says nothing about it. */
function orKnown(now: ExploredTool, earlier: ServerExploration | undefined): ExploredTool {
  if (now.outcome !== 'skipped' || !passing.includes(now.why)) return now;
  return earlier?.tools.find(({ tool, outcome }) => tool === now.tool && outcome !== 'skipped') ?? now;
}

/** The arguments of the call, as the tool itself took them, or why there is none. */
async function planCall(tool: Tool): Promise<{ readonly input: unknown } | ExploredTool> {
  if (tool.effect !== 'read') return skipped(tool, 'not-read-only');
  if (tool.approval !== 'never') return skipped(tool, 'asks-first');
  const filled = fillArguments((tool.inputJsonSchema ?? {}) as JsonObject);
  if ('needs' in filled) return { tool: tool.name, outcome: 'skipped', why: 'needs-arguments', needs: filled.needs };
  const checked = await tool.input['~standard'].validate(filled.input);
  return checked.issues ? skipped(tool, 'needs-arguments') : { input: checked.value };
}

interface CallContext {
  readonly genieId: string;
  readonly sampleOf: (text: string) => string;
  readonly clock: Clock;
  readonly deadline: AbortSignal;
  readonly stop: AbortSignal | undefined;
}

async function callOnce(tool: Tool, input: unknown, context: CallContext): Promise<ExploredTool> {
  const { clock, deadline, stop, sampleOf } = context;
  const signal = stop ? AbortSignal.any([deadline, stop]) : deadline;
  const at = clock.now();
  const startedAt = clock.elapsed();
  try {
    const answer = await untilAborted(signal, async () => tool.run(input, toolContext(tool, context.genieId, signal)));
    const text = typeof answer === 'string' ? answer : (JSON.stringify(answer) ?? '');
    const sizeBytes = Buffer.byteLength(text);
    const tookMs = Math.round(clock.elapsed() - startedAt);
    return { tool: tool.name, outcome: 'answers', at, tookMs, sizeBytes, sample: sampleOf(text) };
  } catch (error) {
    if (stop?.aborted) return skipped(tool, 'stopped');
    const { code, message } = deadline.aborted
      ? { code: 'GENIE_MCP_TIMEOUT', message: 'It did not answer before the time of the exploration was used up.' }
      : toErrorRecord(error, 'GENIE_MCP_RESULT');
    if (code === 'GENIE_MCP_UNAVAILABLE') return skipped(tool, 'unavailable');
    if (code === 'GENIE_MCP_TOOL_CHANGED') return skipped(tool, 'withheld');
    const tookMs = Math.round(clock.elapsed() - startedAt);
    return { tool: tool.name, outcome: 'fails', at, tookMs, code, sample: sampleOf(message) };
  }
}

/** Also ends the wait for a tool that does not listen to its signal. */
async function untilAborted<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function toolContext(tool: Tool, genieId: string, signal: AbortSignal): Parameters<Tool['run']>[1] {
  return {
    runId: 'exploration',
    callId: tool.name,
    genieId,
    tool: tool.name,
    signal,
    fetch: () =>
      Promise.reject(
        new GenieError('GENIE_EGRESS_DENIED', 'An exploration reaches a server through its connection only.'),
      ),
    progress: () => undefined,
  };
}

function skipped({ name }: Tool, why: SkipReason): ExploredTool {
  return { tool: name, outcome: 'skipped', why };
}

/** The beginning of a text, at most so many bytes of UTF-8, never half a character. */
function firstBytes(text: string, most: number): string {
  // No character takes less than one byte of UTF-8 for each unit of UTF-16.
  const head = text.slice(0, most);
  const bytes = Buffer.from(head);
  if (bytes.length <= most) return head.isWellFormed() ? head : head.toWellFormed().replace(/\uFFFD$/, '');
  return new TextDecoder().decode(bytes.subarray(0, most), { stream: true });
}
