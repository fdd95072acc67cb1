import { z } from 'zod';
import type { ApprovalKind, Approvals } from '../approvals/approvals.ts';
import { generateJson } from '../generate-json.ts';
import { GenieError } from '../genie-error.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { AbortGuard, interrupted } from '../loop/abort-guard.ts';
import type { ResolvedOptions } from '../options.ts';
import { writeRunPrompt } from '../prompt.ts';
import type { Source } from '../run-record.ts';
import { parseSchedule } from '../schedule/schedule.ts';
import { estimateCost } from './estimate-cost.ts';
import type { Proposal, ProposalParts } from './proposal.ts';
import { proposalSchema } from './proposal-schema.ts';

export interface ProposeRequest {
  readonly genieId: string;
  readonly options: ResolvedOptions;
  readonly approvals: Approvals;
  readonly signal?: AbortSignal;
}

/**
 * Lets the planning model analyse the goal. What it proposes is checked: tools that do not exist and impossible
 * schedules do not pass, domains of the sources are always named, the cost is calculated here, not by the model.
 * Rejects with `GENIE_MODEL_ANSWER`, `GENIE_MODEL_TIMEOUT`, `GENIE_SCHEDULE_INVALID`, `GENIE_CANCELLED`.
 */
export async function propose(request: ProposeRequest): Promise<Proposal> {
  const { options } = request;
  const answer = await askPlanningModel(request);
  const { schedule } = answer;
  const parts: ProposalParts = {
    container: answer.container,
    schedule,
    models: { planning: options.models.planning.model.modelId, execution: options.models.execution.model.modelId },
    tools: answer.tools.filter((name) => options.tools.get(name)),
    domains: [...new Set([...sourceDomains(options.raw.sources ?? []), ...answer.domains])],
    kpis: answer.kpis.map((kpi) => kpi as ProposalParts['kpis'][number]),
  };
  const now = options.clock.now();
  const cost = estimateCost({
    wakesPerMonth: parseSchedule(schedule).between(now, now + 30 * 24 * 60 * 60 * 1000, 50_000).length,
    inputTokensPerRun: answer.tokensPerRun.input,
    outputTokensPerRun: answer.tokensPerRun.output,
    price: options.models.execution.price,
  });
  return {
    ...parts,
    genieId: request.genieId,
    goal: options.goal,
    reason: answer.reason,
    cost,
    approvalIds: await askUser(request, parts),
  };
}

async function askPlanningModel({ options, signal }: ProposeRequest): Promise<z.output<typeof proposalSchema>> {
  const guard = new AbortGuard(signal);
  const tools = options.tools.list().map((tool) => `- ${tool.name}: ${tool.description}`);
  try {
    const { value } = await generateJson(options.models.planning, {
      name: 'proposal',
      schema: proposalSchema,
      jsonSchema: z.toJSONSchema(proposalSchema, { io: 'input' }) as Record<string, unknown>,
      system: [
        'You set up a genie: a long-lived agent that pursues one goal on a schedule.',
        'Propose container, schedule (cron with five fields and an IANA time zone), tools, domains, KPIs with probes, and tokens per run.',
        `Tools that exist:\n${tools.join('\n') || '(none)'}`,
      ].join('\n'),
      prompt: writeRunPrompt({
        goal: options.goal,
        sources: options.raw.sources ?? [],
        cursors: {},
        memory: '',
        plan: [],
        trigger: { kind: 'manual' },
        today: new Date(options.clock.now()).toISOString().slice(0, 10),
      }),
      clock: options.clock,
      guard,
      limits: options.limits,
    });
    return value;
  } catch (error) {
    if (error === interrupted) throw new GenieError('GENIE_CANCELLED', 'The proposal was cancelled.');
    throw error;
  } finally {
    guard.dispose();
  }
}

const titles: Record<keyof ProposalParts, string> = {
  container: 'Container of this genie',
  schedule: 'When it wakes',
  models: 'Models it uses',
  tools: 'Tools it may use',
  domains: 'Hosts it may reach',
  kpis: 'How its success is measured',
};

/** One approval a part, so that the user can accept, edit or refuse each. */
async function askUser({ genieId, approvals }: ProposeRequest, parts: ProposalParts): Promise<Proposal['approvalIds']> {
  const ids: Partial<Record<keyof ProposalParts, string>> = {};
  for (const part of Object.keys(titles) as (keyof ProposalParts)[]) {
    const kind: ApprovalKind = part === 'kpis' ? 'kpis' : part === 'schedule' ? 'schedule' : 'proposal';
    const payload = { part, value: parts[part] as unknown as JsonValue } satisfies JsonObject;
    const row = await approvals.request({
      action: { kind, genieId, subject: `proposal:${part}`, payload },
      title: titles[part],
    });
    ids[part] = row.id;
  }
  return ids as Proposal['approvalIds'];
}

function sourceDomains(sources: readonly Source[]): string[] {
  return sources
    .filter((source) => URL.canParse(source.location))
    .map((source) => new URL(source.location).hostname)
    .filter(Boolean);
}
