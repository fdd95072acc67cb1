import {
  type Genie,
  type JsonObject,
  type MemoryPort,
  type MetricsPort,
  type RunHandle,
  type RunOutcome,
  systemClock,
} from '@genie/core';
import { errorResult, type McpToolResult, textContent, textResult, valueToToolResult } from '../content.ts';
import type { McpCallContext } from '../server/call-context.ts';
import { createMcpServer, type McpServer } from '../server/create-mcp-server.ts';
import type { McpTool } from '../server/mcp-tool.ts';
import { type Artifacts, genieDocuments } from './genie-documents.ts';

export interface GenieMcpServerOptions {
  readonly genie: Genie;
  readonly version: string;
  readonly memory?: MemoryPort;
  readonly metrics?: MetricsPort;
  /** Files that the genie made. */
  readonly artifacts?: Artifacts;
}

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
  const { genie, memory, metrics } = options;
  return createMcpServer({
    name: 'genie',
    title: genie.goal.slice(0, 80),
    version: options.version,
    instructions: `A long-lived agent with one goal: ${genie.goal}`,
    tools: [
      ...runTools(genie),
      ...approvalTools(genie),
      ...(memory ? [memoryTool(memory)] : []),
      ...(metrics ? [metricsTool(metrics)] : []),
    ],
    ...genieDocuments(options),
    clock: systemClock,
  });
}

function runTools(genie: Genie): readonly McpTool[] {
  return [
    {
      name: 'genie_run',
      description: 'Runs the genie once towards its goal and returns its briefing. May take minutes.',
      inputSchema: { type: 'object', properties: { note: { type: 'string' } }, additionalProperties: false },
      task: 'optional',
      run: ({ note }, context) =>
        follow(
          genie.run({ kind: 'manual', ...(typeof note === 'string' ? { note } : {}) }, { signal: context.signal }),
          context,
        ),
    },
    {
      name: 'genie_chat',
      description: 'Sends the genie a message and returns its answer.',
      inputSchema: text('message', 'What to tell or ask the genie.'),
      task: 'optional',
      run: ({ message }, context) => follow(genie.chat(String(message), { signal: context.signal }), context),
    },
  ];
}

/** Tells how far a run is, and waits for its end. */
async function follow(run: RunHandle, context: McpCallContext): Promise<McpToolResult> {
  let count = 0;
  for await (const event of run) {
    count += 1;
    if (/^(run|plan|step|tool)\./.test(event.type)) await context.progress(count, undefined, event.type);
  }
  return outcomeToResult(await run.outcome);
}

function outcomeToResult(outcome: RunOutcome): McpToolResult {
  const { runId, status, reason, claim, verdict, approvalIds } = outcome;
  if (status === 'failed') return errorResult(`${outcome.error?.code ?? 'GENIE_RUN'}: ${reason}`);
  const text = outcome.briefing?.markdown ?? (outcome.text || reason);
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

function approvalTools({ approvals }: Genie): readonly McpTool[] {
  return [
    {
      name: 'genie_approvals',
      description: 'Lists what waits for a decision of the user.',
      inputSchema: none,
      hints: { readOnlyHint: true },
      async run(_input, { signal }) {
        const rows = await approvals.list({ status: 'pending' }, { signal });
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
        const row = await approvals.get(String(id), { signal: context.signal });
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
        await approvals.decide(row.id, { verdict, by: 'mcp-user' }, { signal: context.signal });
        return textResult(`Decided: ${verdict}.`);
      },
    },
  ];
}

function memoryTool(memory: MemoryPort): McpTool {
  return {
    name: 'genie_recall',
    description: 'Searches the memory of the genie.',
    inputSchema: text('query', 'What to look for.'),
    hints: { readOnlyHint: true },
    async run({ query }, { signal }) {
      const { items, degraded } = await memory.recall(String(query), { k: 10, signal });
      return valueToToolResult({
        items: items.map(({ id, text: found, score, provenance }) => ({ id, text: found, score, provenance })),
        degraded,
      });
    },
  };
}

function metricsTool(metrics: MetricsPort): McpTool {
  return {
    name: 'genie_metrics',
    description: 'Lists the KPIs by which the genie is measured.',
    inputSchema: none,
    hints: { readOnlyHint: true },
    run: async () => valueToToolResult({ kpis: await metrics.definitions() }),
  };
}
