import type { StoredFeedback } from '../feedback/feedback.ts';
import { toPreferences } from '../feedback/preferences.ts';
import type { OffsetAt } from '../local-time.ts';
import type { Patterns } from './candidate.ts';
import type { OutcomeRow } from './outcome-row.ts';
import { findWastedWakes } from './wasted-wakes.ts';

/** A pattern needs this many runs before it is one. */
const minimumRuns = 3;

/** Useless sources, failing tools, repeated chains, wasted wakes and overclaiming in a genie's own runs. */
export function findPatterns(
  outcomes: readonly OutcomeRow[],
  feedback: readonly StoredFeedback[],
  offsetAt: OffsetAt,
): Patterns {
  const parts = [
    findUselessSources(outcomes, feedback),
    findFailingTools(outcomes),
    findRepeatedChains(outcomes),
    findWastedWakes(outcomes, offsetAt),
    findOverclaims(outcomes),
  ];
  return { findings: parts.flatMap((part) => part.findings), candidates: parts.flatMap((part) => part.candidates) };
}

const none: Patterns = { findings: [], candidates: [] };

function findUselessSources(outcomes: readonly OutcomeRow[], feedback: readonly StoredFeedback[]): Patterns {
  const scores = new Map(toPreferences(feedback).sources.map((one) => [one.key, one]));
  const rows = outcomes.flatMap((run) => (run.facts?.sources ?? []).map((source) => ({ run, source })));
  const present = new Set(outcomes.at(-1)?.facts?.sources.map((source) => source.location));
  const parts = [...Map.groupBy(rows, (row) => row.source.location)].map(([location, uses]): Patterns => {
    if (uses.length < minimumRuns || !present.has(location)) return none;
    const reached = uses.filter((use) => use.source.reached).length;
    const cited = uses.reduce((sum, use) => sum + use.source.cited, 0);
    const title = uses.at(-1)?.source.title;
    const opinion = scores.get(location) ?? (title === undefined ? undefined : scores.get(title));
    const disliked = opinion !== undefined && opinion.down >= minimumRuns && opinion.score <= -0.4;
    if (cited > 0 && !disliked) return none;
    const facts =
      cited === 0 ? `reached in ${reached} of ${uses.length} runs and never cited` : `judged useless: ${opinion?.why}`;
    const statement = `Source ${location}: ${facts}.`;
    const evidence = uses.slice(-20).map((use) => use.run.runId);
    const numbers = { runs: uses.length, reached, cited, disliked: opinion?.down ?? 0 };
    const gain = `${uses.length - reached} failed and ${reached} fruitless visits less in ${uses.length} runs`;
    return {
      findings: [{ kind: 'useless-source', tone: 'bad', statement, method: 'count over runs', numbers, evidence }],
      candidates: [
        {
          adjustment: { type: 'sources', remove: [location] },
          why: statement,
          expectedGain: gain,
          evidence,
          kpiIds: reached < uses.length ? ['sources-reached'] : [],
        },
      ],
    };
  });
  return join(parts);
}

function findFailingTools(outcomes: readonly OutcomeRow[]): Patterns {
  const rows = outcomes.flatMap((run) => (run.facts?.tools ?? []).map((tool) => ({ run, tool })));
  const parts = [...Map.groupBy(rows, (row) => row.tool.tool)].map(([name, uses]): Patterns => {
    const calls = uses.reduce((sum, use) => sum + use.tool.calls, 0);
    const failed = uses.reduce((sum, use) => sum + use.tool.failed, 0);
    if (uses.length < minimumRuns || calls < 5 || failed / calls < 0.5) return none;
    // A tool that fails at dead sources is not broken: removing the sources is the smaller change.
    const own = failed - uses.reduce((sum, use) => sum + (use.tool.failedOnSources ?? 0), 0);
    const tookMs = uses.reduce((sum, use) => sum + use.tool.tookMs, 0);
    const evidence = uses
      .filter((use) => use.tool.failed > 0)
      .slice(-20)
      .map((use) => use.run.runId);
    const statement = `Tool ${name} failed in ${failed} of ${calls} calls.`;
    const numbers = { calls, failed, tookMs };
    return {
      findings: [{ kind: 'failing-tool', tone: 'bad', statement, method: 'count over runs', numbers, evidence }],
      candidates:
        own / calls < 0.5
          ? []
          : [
              {
                adjustment: { type: 'tool-policy', tool: name, policy: 'deny' },
                why: statement,
                expectedGain: `${failed} failed calls less, up to ${Math.round(tookMs / 1000)} s saved in ${uses.length} runs`,
                evidence,
                kpiIds: ['tool-success'],
              },
            ],
    };
  });
  return join(parts);
}

/** The same three or more calls in a row, in most runs: a case for a playbook. No typed change fits, so it is a finding only. */
function findRepeatedChains(outcomes: readonly OutcomeRow[]): Patterns {
  const rows = outcomes.flatMap((run) => (run.facts !== undefined && run.facts.chain.length >= 3 ? [run] : []));
  const parts = [...Map.groupBy(rows, (run) => run.facts?.chain.join(' → ') ?? '')].map(([chain, runs]): Patterns => {
    if (runs.length < minimumRuns || runs.length < outcomes.length / 2) return none;
    const statement = `The chain ${chain} was the same in ${runs.length} of ${outcomes.length} runs; a playbook can do it without planning.`;
    const numbers = { runs: runs.length, length: runs[0]?.facts?.chain.length ?? 0 };
    const evidence = runs.slice(-20).map((run) => run.runId);
    return {
      findings: [
        { kind: 'repeated-chain', tone: 'neutral', statement, method: 'equal sequences of calls', numbers, evidence },
      ],
      candidates: [],
    };
  });
  return join(parts);
}

function findOverclaims(outcomes: readonly OutcomeRow[]): Patterns {
  const over = outcomes.filter((run) => run.overclaimed);
  if (over.length === 0) return none;
  const statement = `${over.length} of ${outcomes.length} runs claimed more than the probes saw.`;
  const evidence = over.slice(-20).map((run) => run.runId);
  const numbers = { runs: outcomes.length, overclaimed: over.length };
  return {
    findings: [{ kind: 'overclaim', tone: 'bad', statement, method: 'claim against verdict', numbers, evidence }],
    candidates: [],
  };
}

function join(parts: readonly Patterns[]): Patterns {
  return { findings: parts.flatMap((part) => part.findings), candidates: parts.flatMap((part) => part.candidates) };
}
