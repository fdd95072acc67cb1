import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import type { JsonObject, JsonValue } from '@genie/core/ports';
import type { JsonSchema } from '../json-schema.ts';
import { planSources } from './choose-calls.ts';
import { type Goal, readGoal } from './goal.ts';
import { type Hint, jsonBySchema } from './json-by-schema.ts';
import { cut } from './markdown.ts';
import { proposeCron, proposeTimeZone } from './propose-schedule.ts';
import type { ReadPrompt } from './read-prompt.ts';
import { briefingTitle } from './write-briefing.ts';

/** What a planning call is answered with, before the schema has its say. */
interface Facts {
  readonly goal: Goal;
  readonly toolNames: readonly string[];
  readonly steps: readonly { readonly text: string; readonly tool?: string }[];
  readonly timeZone: string;
}

/**
 * Answers a call that wants JSON. `plan` and `proposal` get values from the goal; any other schema gets the simplest valid
 * value, with the goal's words where it asks for a title, a summary or a reason. Without a schema the plain facts are returned.
 */
export function writeJson(
  prompt: ReadPrompt,
  tools: readonly LanguageModelV4FunctionTool[],
  format: { readonly name?: string; readonly schema?: JsonSchema },
): JsonValue {
  const goal = readGoal(prompt);
  const facts: Facts = {
    goal,
    toolNames: [...new Set([...tools.map((tool) => tool.name), ...prompt.toolNames])],
    steps: planSteps(goal, prompt, tools),
    timeZone: proposeTimeZone(`${prompt.goal}\n${prompt.message ?? ''}`),
  };
  const values =
    format.name === 'plan'
      ? planValues(facts)
      : format.name === 'proposal'
        ? proposalValues(facts)
        : otherValues(facts);
  if (format.schema === undefined) return values;
  return jsonBySchema(format.schema, hintsFrom(values, facts));
}

function planSteps(goal: Goal, prompt: ReadPrompt, tools: readonly LanguageModelV4FunctionTool[]): Facts['steps'] {
  const named: readonly LanguageModelV4FunctionTool[] =
    tools.length > 0 ? tools : prompt.toolNames.map((name) => ({ type: 'function', name, inputSchema: {} }));
  const reads = planSources(goal.sources, { ...prompt, calls: [] }, named).map((plan) => {
    const text = `Read the ${plan.source.kind} source ${plan.source.title ?? plan.source.location}`;
    return plan.state === 'to-call'
      ? { text, tool: plan.tool }
      : { text: `${text}: not possible, no tool for it is offered` };
  });
  const last: Readonly<Record<Goal['kind'], string>> = {
    watch: 'Report what is new and was not reported before',
    brief: 'Rank what is new by relevance and write a briefing with a citation for each line',
    summarise: 'Take the most informative sentences and cite each',
    compare: 'Compare the sources by numbers, dates and words, with citations',
    count: 'Count and report the numbers with citations',
  };
  return [...reads, { text: last[goal.kind] }];
}

function planValues(facts: Facts): JsonObject {
  return { steps: facts.steps.map((step) => ({ ...step })), reason: reasonOf(facts.goal) };
}

function proposalValues(facts: Facts): JsonObject {
  const { goal } = facts;
  const sources = Math.max(1, goal.sources.length);
  return {
    container: { cpus: 1, memoryMb: 512, diskMb: 1_024 },
    schedule: { cron: proposeCron(goal.goal, goal.kind), timezone: facts.timeZone },
    models: { planning: 'offline', execution: 'offline' },
    tools: facts.toolNames.length > 0 ? usedTools(facts) : [],
    domains: [...new Set(goal.sources.flatMap(({ location }) => hostOf(location)))],
    kpis,
    tokensPerRun: { input: 2_000 + 4_000 * sources, output: 400 + 60 * goal.limit },
    reason: reasonOf(goal),
    title: briefingTitle(goal),
  };
}

function usedTools(facts: Facts): readonly string[] {
  const used = new Set(facts.steps.flatMap((step) => step.tool ?? []));
  return facts.toolNames.filter((name) => used.has(name));
}

function hostOf(location: string): string[] {
  try {
    const { protocol, hostname } = new URL(location);
    return /^https?:$/.test(protocol) ? [hostname] : [];
  } catch {
    return [];
  }
}

/** What can be observed from a run's own record; these KPIs claim nothing about usefulness. */
const kpis: readonly JsonObject[] = [
  kpi('items-cited', 'Briefing items with a citation', 100, 80, { kind: 'citations' }),
  kpi('sources-reached', 'Sources reached', 100, 50, { kind: 'sources' }),
  kpi('tool-success', 'Tool calls that succeeded', 95, 70, { kind: 'tool-result', measure: 'success' }),
];

function kpi(id: string, name: string, target: number, failure: number, probe: JsonObject): JsonObject {
  return { id, name, unit: '%', direction: 'up', target, failure, cadence: 'run', aggregation: 'ratio', probe };
}

function otherValues(facts: Facts): JsonObject {
  const text = cut(facts.goal.query.replace(/\s+/g, ' ').trim(), 200);
  return { title: briefingTitle(facts.goal), summary: text, reason: reasonOf(facts.goal) };
}

function reasonOf(goal: Goal): string {
  return `The offline model (rules, no neural network) reads this as a goal of the kind "${goal.kind}" with ${goal.sources.length} source(s).`;
}

/** Looks the place up in the values; a list whose entries are strings gets their texts, a number asked for tokens gets the sum. */
function hintsFrom(values: JsonObject, facts: Facts): Hint {
  return (path, schema) => {
    const value = lookUp(values, path);
    const items = schema.items;
    if (Array.isArray(value) && typeof items === 'object' && 'type' in items && items.type === 'string')
      return value.map(textOf);
    const name = path.at(-1);
    if (name === 'tokensPerRun' && allowsNumber(schema)) return sumOf(values.tokensPerRun);
    if (value !== undefined) return value;
    if (name === 'cron') return proposeCron(facts.goal.goal, facts.goal.kind);
    if (name === 'timezone' || name === 'timeZone') return facts.timeZone;
    return undefined;
  };
}

function textOf(entry: JsonValue): string {
  if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) {
    const { text, name } = entry as JsonObject;
    return String(text ?? name ?? JSON.stringify(entry));
  }
  return String(entry);
}

function allowsNumber(schema: JsonSchema): boolean {
  return [schema.type].flat().some((type) => type === 'number' || type === 'integer');
}

function sumOf(value: JsonValue | undefined): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.values(value).reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0);
}

function lookUp(values: JsonValue, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = values;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, JsonValue | undefined>>)[name];
  }
  return path.length === 0 ? undefined : at;
}
