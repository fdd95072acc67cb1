import type { Genie, JsonObject, RunHandle, RunOutcome } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { systemClock } from '@genie/core/ports';
import { errorResult, type McpToolResult, textContent, textResult, valueToToolResult } from '../content.ts';
import type { McpCallContext } from '../server/call-context.ts';
import { createMcpServer, type McpServer } from '../server/create-mcp-server.ts';
import type { McpTool } from '../server/mcp-tool.ts';
import { type Artifacts, genieDocuments } from './genie-documents.ts';
import type { GenieParts, LazyGenie, UseGenie } from './use-genie.ts';

export type { GenieParts, LazyGenie };

export interface GenieMcpServerOptions extends Partial<GenieParts> {
  /** Instead of `genie`, `memory` and `metrics`. */
  readonly lazy?: LazyGenie;
  readonly version: string;
  /** Files that the genie made. */
  readonly artifacts?: Artifacts;
}

/** Most clients wait longer for an answer; a run of a small model or a quiet day ends sooner. */
const taskAfterMs = 15_000;

const none = { type: 'object', properties: {}, additionalProperties: false } as const;
const text = (name: string, description: string): JsonObject => ({
  type: 'object',
  properties: { [name]: { type: 'string', minLength: 1, description } },
  required: [name],
  additionalProperties: false,
});

/**
 * A genie for other agents and editors: run it, talk to it, search its memory, see its KPIs, decide its approvals.
 * Long runs are tasks where the client knows tasks. Decisions are put to the client's user, never taken by its model.
 */
export function createGenieMcpServer(options: GenieMcpServerOptions): McpServer {
  const { genie, memory, metrics, lazy, artifacts } = options;
  const goal = lazy?.goal ?? genie?.goal;
  if (goal === undefined) throw new GenieError('GENIE_MCP_SERVER', 'createGenieMcpServer needs "genie" or "lazy".');
  const use: UseGenie = lazy
    ? (work) => lazy.use(work)
    : (work) => work({ genie: genie as Genie, ...(memory ? { memory } : {}), ...(metrics ? { metrics } : {}) });
  const offers = {
    memory: lazy !== undefined || memory !== undefined,
    metrics: lazy !== undefined || metrics !== undefined,
  };
  return createMcpServer({
    name: 'genie',
    title: goal.slice(0, 80),
    version: options.version,
    instructions: `A long-lived agent with one goal: ${goal}`,
    tools: [
      ...runTools(use, artifacts),
      ...approvalTools(use),
      ...(offers.memory ? [memoryTool(use)] : []),
      ...(offers.metrics ? [metricsTool(use)] : []),
    ],
    ...genieDocuments({ goal, use, offers, ...(artifacts ? { artifacts } : {}) }),
    clock: systemClock,
  });
}

function runTools(use: UseGenie, artifacts: Artifacts | undefined): readonly McpTool[] {
  return [
    {
      name: 'genie_run',
      description:
        'Runs the genie once towards its goal and returns its briefing; the last one when there is nothing new. May take minutes.',
      inputSchema: { type: 'object', properties: { note: { type: 'string' } }, additionalProperties: false },
      task: 'optional',
      taskAfterMs,
      run: ({ note }, context) =>
        use(async ({ genie }) => {
          const trigger = { kind: 'manual' as const, ...(typeof note === 'string' ? { note } : {}) };
          const outcome = await follow(genie.run(trigger, { signal: context.signal }), context);
          return outcomeToResult(outcome, outcome.status === 'skipped' ? await lastBriefing(artifacts) : undefined);
        }),
    },
    {
      name: 'genie_chat',
      description: 'Sends the genie a message and returns its answer.',
      inputSchema: text('message', 'What to tell or ask the genie.'),
      task: 'optional',
      taskAfterMs,
      run: ({ message }, context) =>
        use(async ({ genie }) =>
          outcomeToResult(await follow(genie.chat(String(message), { signal: context.signal }), context)),
        ),
    },
  ];
}

/** Tells how far a run is, and waits for its end. */
async function follow(run: RunHandle, context: McpCallContext): Promise<RunOutcome> {
  let count = 0;
  for await (const event of run) {
    count += 1;
    if (/^(run|plan|step|tool)\./.test(event.type)) await context.progress(count, undefined, event.type);
  }
  return run.outcome;
}

/** Whoever asks for a briefing on a quiet day gets the one that still holds. */
async function lastBriefing(artifacts: Artifacts | undefined): Promise<string | undefined> {
  const key = (await artifacts?.list())?.find((one) => one.startsWith('briefings/'));
  return key === undefined ? undefined : (await artifacts?.read(key))?.text;
}

function outcomeToResult(outcome: RunOutcome, last?: string): McpToolResult {
  const { runId, status, reason, claim, verdict, approvalIds } = outcome;
  if (status === 'failed') return errorResult(`${outcome.error?.code ?? 'GENIE_RUN'}: ${reason}`);
  const own = outcome.briefing?.markdown ?? (outcome.text || reason);
  const text = last === undefined ? own : `${own}\n\nThe last briefing:\n\n${last}`;
  // Clients that read only structured content need the briefing too.
  const summary = {
    runId,
    status,
    reason,
    claim,
    ...(verdict ? { verdict: verdict.outcome } : {}),
    approvalIds,
    briefing: text,
  };
  return {
    content: [textContent(text)],
    structuredContent: JSON.parse(JSON.stringify(summary)) as JsonObject,
  };
}

function approvalTools(use: UseGenie): readonly McpTool[] {
  return [
    {
      name: 'genie_approvals',
      description: 'Lists what waits for a decision of the user.',
      inputSchema: none,
      hints: { readOnlyHint: true },
      async run(_input, { signal }) {
        const rows = await use(({ genie }) => genie.approvals.list({ status: 'pending' }, { signal }));
        return valueToToolResult({
          pending: rows.map(({ id, title, claim, action }) => ({
            id,
            title,
            claim,
            kind: action.kind,
            action: action.payload,
          })),
        });
      },
    },
    {
      name: 'genie_decide',
      description: 'Puts one waiting approval to the user of this client, who decides.',
      inputSchema: text('id', 'Id of the approval, from genie_approvals.'),
      async run({ id }, context) {
        const { signal } = context;
        const row = await use(({ genie }) => genie.approvals.get(String(id), { signal }));
        if (row?.status !== 'pending')
          return errorResult(`GENIE_APPROVAL_UNKNOWN: no approval ${JSON.stringify(id)} waits.`);
        const { decision } = await context.ask({
          decision: {
            kind: 'form',
            message: `${row.title}\n${JSON.stringify(row.action.payload).slice(0, 2_000)}`,
            schema: {
              type: 'object',
              properties: { verdict: { type: 'string', enum: ['allow-once', 'allow-always', 'deny', 'deny-always'] } },
              required: ['verdict'],
            },
          },
        });
        const verdict =
          decision?.kind === 'form' && decision.action === 'accept' ? decision.content.verdict : undefined;
        if (verdict !== 'allow-once' && verdict !== 'allow-always' && verdict !== 'deny' && verdict !== 'deny-always')
          return textResult('Not decided.');
        await use(({ genie }) => genie.approvals.decide(row.id, { verdict, by: 'mcp-user' }, { signal }));
        return textResult(`Decided: ${verdict}.`);
      },
    },
  ];
}

function memoryTool(use: UseGenie): McpTool {
  return {
    name: 'genie_recall',
    description: 'Searches the memory of the genie.',
    inputSchema: text('query', 'What to look for.'),
    hints: { readOnlyHint: true },
    async run({ query }, { signal }) {
      const answer = await use(async ({ memory }) => memory?.recall(String(query), { k: 10, signal }));
      const items = (answer?.items ?? []).map(({ id, text: found, score, provenance }) => ({
        id,
        text: found,
        score,
        provenance,
      }));
      return valueToToolResult({ items, degraded: answer?.degraded });
    },
  };
}

function metricsTool(use: UseGenie): McpTool {
  return {
    name: 'genie_metrics',
    description: 'Lists the KPIs by which the genie is measured.',
    inputSchema: none,
    hints: { readOnlyHint: true },
    run: async () => valueToToolResult({ kpis: (await use(async ({ metrics }) => metrics?.definitions())) ?? [] }),
  };
}
