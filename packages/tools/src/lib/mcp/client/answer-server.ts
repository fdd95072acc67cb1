import type { JsonObject } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import type { Client, ClientCapabilities, CreateMessageRequest, ElicitRequest } from '@modelcontextprotocol/client';
import { isRecord } from '../content.ts';
import { type AskBudget, createAskBudget } from './ask-budget.ts';
import type { CallGuard } from './call-guard.ts';
import { cleanObject } from './clean-json.ts';
import type { ResolvedConnectOptions } from './connect-options.ts';

const maxSamplingTokens = 4_096;
const maxSamplingCharacters = 200_000;
const maxQuestionCharacters = 16_000;
const maxWaitingQuestions = 4;

/** What this side can answer, and therefore declares. */
export function clientCapabilities({ approvals, model, roots }: ResolvedConnectOptions): ClientCapabilities {
  return {
    ...(approvals ? { elicitation: { form: { applyDefaults: true } } } : {}),
    ...(model ? { sampling: {} } : {}),
    ...(roots ? { roots: {} } : {}),
  };
}

/** What a server may have asked, whatever connections it goes through: a new one is no new budget. */
export interface ServerBudgets {
  readonly sampling: AskBudget;
  readonly questions: AskBudget;
  /** Questions that wait for the user right now. */
  waiting: number;
}

export function createServerBudgets(options: ResolvedConnectOptions): ServerBudgets {
  const { clock, maxSamplingPerMinute, maxSamplingPerHour } = options;
  return {
    sampling: createAskBudget(clock, [
      { times: maxSamplingPerMinute, inMs: 60_000 },
      { times: maxSamplingPerHour, inMs: 60 * 60_000 },
    ]),
    questions: createAskBudget(clock, [{ times: 10, inMs: 60_000 }]),
    waiting: 0,
  };
}

/** Routes questions of the server: to the user as approvals, to the model within a budget, to the list of folders. */
export function answerServer(
  client: Client,
  options: ResolvedConnectOptions,
  { guard, budgets }: { readonly guard: CallGuard; readonly budgets: ServerBudgets },
): void {
  const { approvals, model, roots } = options;
  if (approvals)
    client.setRequestHandler('elicitation/create', async ({ params }, { mcpReq }) => {
      if (!mayAskUser(budgets, params)) return { action: 'cancel' };
      budgets.waiting += 1;
      return guard
        .pause(() => askUser(options, params, mcpReq.signal))
        .finally(() => {
          budgets.waiting -= 1;
        });
    });
  if (model)
    client.setRequestHandler('sampling/createMessage', async ({ params }, { mcpReq }) => {
      // Before the pause: a call whose server only asks, and is refused, stalls like one that is silent.
      refuseSampling(options, budgets, params);
      return guard.pause(() => askModel(options, params, mcpReq.signal));
    });
  if (roots) client.setRequestHandler('roots/list', async () => ({ roots: roots.map((root) => ({ ...root })) }));
}

/** A person can answer a few questions that can be read; more are a way to wear them down. */
function mayAskUser(budgets: ServerBudgets, params: ElicitRequest['params']): boolean {
  const size = JSON.stringify(params).length;
  return size <= maxQuestionCharacters && budgets.waiting < maxWaitingQuestions && budgets.questions.spend();
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
function refuseSampling(
  { maxSamplingPerMinute, maxSamplingPerHour, name }: ResolvedConnectOptions,
  { sampling }: ServerBudgets,
  params: CreateMessageRequest['params'],
): void {
  const size = JSON.stringify([params.systemPrompt, params.messages]).length;
  if (size > maxSamplingCharacters)
    throw new GenieError(
      'GENIE_MCP_SAMPLING_LIMIT',
      `The server ${name} may send the model ${maxSamplingCharacters} characters and sent ${size}.`,
    );
  if (!sampling.spend())
    throw new GenieError(
      'GENIE_MCP_SAMPLING_LIMIT',
      `The server ${name} may ask the model ${maxSamplingPerMinute} times a minute and ${maxSamplingPerHour} times an hour, and did.`,
    );
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
