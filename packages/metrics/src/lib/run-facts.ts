import type { RunRecord } from '@genie/core/ports';
import { isReached, mentions } from './probes/reached.ts';

/** What is kept of a run for finding patterns later: counts and names, no content. */
export interface RunFacts {
  readonly trigger: string;
  readonly modelId: string;
  readonly steps: number;
  readonly items: number;
  readonly sources: readonly SourceFacts[];
  readonly tools: readonly ToolFacts[];
  /** The tools in the order of their calls, at most 50. */
  readonly chain: readonly string[];
}

export interface SourceFacts {
  readonly location: string;
  readonly title?: string;
  readonly reached: boolean;
  /** Briefing items that cite it. */
  readonly cited: number;
}

export interface ToolFacts {
  readonly tool: string;
  readonly calls: number;
  readonly failed: number;
  /** Of those, calls that name a source: the source may be to blame, and not the tool. */
  readonly failedOnSources?: number;
  readonly denied: number;
  readonly tookMs: number;
}

export function createRunFacts(run: RunRecord): RunFacts {
  const items = run.briefing?.items ?? [];
  const sources = run.sources.map((source) => ({
    location: source.location,
    ...(source.title === undefined ? {} : { title: source.title }),
    reached: isReached(run, source),
    cited: items.filter((item) => item.citations.some((citation) => cites(citation, source))).length,
  }));
  const tools = [...Map.groupBy(run.toolCalls, (call) => call.tool)].map(([tool, calls]) => ({
    tool,
    calls: calls.length,
    failed: calls.filter((call) => call.status === 'failed').length,
    failedOnSources: calls.filter((call) => call.status === 'failed' && isAboutSource(run, call)).length,
    denied: calls.filter((call) => call.status === 'denied').length,
    tookMs: calls.reduce((sum, call) => sum + call.tookMs, 0),
  }));
  return {
    trigger: run.trigger.kind,
    modelId: run.modelId,
    steps: run.steps,
    items: items.length,
    sources,
    tools,
    chain: run.toolCalls.slice(0, 50).map((call) => call.tool),
  };
}

/** A citation belongs to a source by its name or place, or because its place begins with the source's. */
function cites(
  citation: { readonly source: string; readonly location: string },
  source: RunRecord['sources'][number],
): boolean {
  const names = [source.location, source.title, `${source.kind}:${source.location}`];
  return (
    names.includes(citation.source) ||
    names.includes(citation.location) ||
    citation.location.startsWith(source.location)
  );
}

function isAboutSource(run: RunRecord, call: RunRecord['toolCalls'][number]): boolean {
  const input = JSON.stringify(call.input) ?? '';
  return run.sources.some((source) => mentions(input, source.location));
}
