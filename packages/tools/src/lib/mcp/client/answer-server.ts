import type { JsonObject } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import type { Client, ClientCapabilities, CreateMessageRequest, ElicitRequest } from '@modelcontextprotocol/client';
import { isRecord } from '../content.ts';
import type { CallGuard } from './call-guard.ts';
import { cleanObject } from './clean-json.ts';
import type { ResolvedConnectOptions } from './connect-options.ts';

const maxSamplingTokens = 4_096;

/** What this side can answer, and therefore declares. */
export function clientCapabilities({ approvals, model, roots }: ResolvedConnectOptions): ClientCapabilities {
  return {
    ...(approvals ? { elicitation: { form: { applyDefaults: true } } } : {}),
    ...(model ? { sampling: {} } : {}),
    ...(roots ? { roots: {} } : {}),
  };
}

/** Routes questions of the server: to the user as approvals, to the model within a budget, to the list of folders. */
export function answerServer(client: Client, options: ResolvedConnectOptions, guard: CallGuard): void {
  const { approvals, model, roots } = options;
  if (approvals)
    client.setRequestHandler('elicitation/create', ({ params }, { mcpReq }) =>
      guard.pause(() => askUser(options, params, mcpReq.signal)),
    );
  if (model) {
    const spend = samplingBudget(options);
    client.setRequestHandler('sampling/createMessage', ({ params }, { mcpReq }) =>
      guard.pause(async () => {
        spend();
        return askModel(options, params, mcpReq.signal);
      }),
    );
  }
  if (roots) client.setRequestHandler('roots/list', async () => ({ roots: roots.map((root) => ({ ...root })) }));
}

type FormAnswer = {
  action: 'accept' | 'decline' | 'cancel';
  content?: Record<string, string | number | boolean | string[]>;
};

async function askUser(
  { approvals, name, genieId }: ResolvedConnectOptions,
  params: ElicitRequest['params'],
  signal: AbortSignal,
): Promise<FormAnswer> {
  if (!approvals || !('requestedSchema' in params)) return { action: 'decline' };
  const schema = cleanObject(params.requestedSchema);
  const action = {
    kind: 'mcp' as const,
    genieId,
    subject: `mcp:${name}:question`,
    payload: { server: name, message: params.message, schema },
  };
  const title = `The server ${name} asks: ${params.message.slice(0, 200)}`;
  const asked = await approvals.request({ action, title, claim: params.message.slice(0, 1_000) }, { signal });
  const row = asked.status === 'pending' ? await approvals.wait(asked.id, { signal }) : asked;
  if (row.status === 'denied') return { action: 'decline' };
  if (row.status !== 'allowed' || !(await approvals.consume(row.id, action, { signal }))) return { action: 'cancel' };
  return {
    action: 'accept',
    content: { ...defaultsOf(schema), ...row.decision?.edited } as NonNullable<FormAnswer['content']>,
  };
}

/** The values that the server itself proposed. */
function defaultsOf(schema: JsonObject): JsonObject {
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const entries = Object.entries(properties).flatMap(([key, property]) =>
    isRecord(property) && property.default !== undefined ? [[key, property.default] as const] : [],
  );
  return Object.fromEntries(entries);
}

/** Throws once a server asks more than it may: sampling costs the user's money. */
function samplingBudget({ maxSamplingPerMinute, clock, name }: ResolvedConnectOptions): () => void {
  let times: number[] = [];
  return () => {
    const now = clock.elapsed();
    times = times.filter((time) => time > now - 60_000);
    if (times.length >= maxSamplingPerMinute)
      throw new GenieError(
        'GENIE_MCP_SAMPLING_LIMIT',
        `The server ${name} may ask the model ${maxSamplingPerMinute} times a minute and did.`,
      );
    times.push(now);
  };
}

async function askModel(
  { model }: ResolvedConnectOptions,
  params: CreateMessageRequest['params'],
  signal: AbortSignal,
): Promise<{ role: 'assistant'; content: { type: 'text'; text: string }; model: string; stopReason: string }> {
  if (!model) throw new GenieError('GENIE_MCP_SAMPLING_LIMIT', 'This client has no model.');
  const messages = params.messages.map(({ role, content }) => {
    const blocks = (Array.isArray(content) ? content : [content]) as readonly { type: string; text?: string }[];
    const text = blocks.map((block) => (block.type === 'text' ? (block.text ?? '') : `[${block.type}]`)).join('\n');
    return { role, content: [{ type: 'text' as const, text }] };
  });
  const system = params.systemPrompt ? [{ role: 'system' as const, content: params.systemPrompt }] : [];
  const answer = await model.doGenerate({
    prompt: [...system, ...messages],
    maxOutputTokens: Math.min(params.maxTokens, maxSamplingTokens),
    abortSignal: signal,
  });
  const text = answer.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return { role: 'assistant', content: { type: 'text', text }, model: model.modelId, stopReason: 'endTurn' };
}
