import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4FunctionTool,
  LanguageModelV4GenerateResult,
  SharedV4Warning,
} from '@ai-sdk/provider';
import type { LanguageModel } from '@genie/core/ports';
import { resultToStream } from '../result-to-stream.ts';
import { callIdOf, planSources } from './choose-calls.ts';
import { estimateUsage } from './estimate-usage.ts';
import { failed, type Reading, readResult } from './findings.ts';
import { type Goal, readGoal } from './goal.ts';
import { jsonBySchema } from './json-by-schema.ts';
import { type ReadPrompt, readPrompt } from './read-prompt.ts';
import { writeAnswer } from './write-answer.ts';
import { writeJson } from './write-json.ts';

/**
 * A deterministic language model without a neural network (provider `genie`, model `offline`), for machines without key and network.
 * It reads a goal by a small lexicon (watch, brief, summarise, compare, count), calls the offered tools for each source in
 * parallel, leaves out what `# Already known` holds, and writes an extractive Markdown briefing with a citation on each line. The same
 * call gives the same bytes. Token counts are estimates at 4 characters a token and say so in `usage.raw.basis`.
 * Rejects only with the reason of an aborted signal.
 */
export function createOfflineModel(): LanguageModel {
  return {
    specificationVersion: 'v4',
    provider: 'genie',
    modelId: 'offline',
    supportedUrls: {},
    doGenerate: async (options) => {
      options.abortSignal?.throwIfAborted();
      return answer(options);
    },
    doStream: async (options) => {
      options.abortSignal?.throwIfAborted();
      return { stream: resultToStream(answer(options), options.abortSignal) };
    },
  };
}

function answer(options: LanguageModelV4CallOptions): LanguageModelV4GenerateResult {
  const prompt = readPrompt(options.prompt);
  const tools = (options.tools ?? []).filter((tool) => tool.type === 'function');
  const content = contentOf(options, prompt, tools);
  const calls = content.some((part) => part.type === 'tool-call');
  const { parts, finishReason } = calls ? { parts: content, finishReason: toolCalls } : limitText(content, options);
  return {
    content: parts,
    finishReason,
    usage: estimateUsage(prompt.characters, options, parts),
    warnings: warningsOf(options),
    response: { modelId: 'offline' },
  };
}

const stop: LanguageModelV4FinishReason = { unified: 'stop', raw: 'stop' };
const toolCalls: LanguageModelV4FinishReason = { unified: 'tool-calls', raw: 'tool-calls' };

function contentOf(
  options: LanguageModelV4CallOptions,
  prompt: ReadPrompt,
  tools: readonly LanguageModelV4FunctionTool[],
): LanguageModelV4Content[] {
  const format = options.responseFormat;
  if (format?.type === 'json') return [{ type: 'text', text: JSON.stringify(writeJson(prompt, tools, format)) }];
  const goal = readGoal(prompt);
  const forced = forcedCall(options, goal, prompt, tools);
  if (forced) return [forced];
  const offered = options.toolChoice?.type === 'none' ? [] : tools;
  const plans = planSources(goal.sources, prompt, offered, goal.newOnly);
  const calls = plans.filter((plan) => plan.state === 'to-call');
  if (calls.length > 0) {
    return calls.map(({ tool, input, callId }) => ({
      type: 'tool-call',
      toolCallId: callId,
      toolName: tool,
      input: JSON.stringify(input),
    }));
  }
  const readings = plans.map((plan): Reading => {
    if (plan.state === 'called') return readResult(plan.source, plan.call);
    return failed(plan.source, plan.state === 'unreadable' ? plan.reason : 'not read');
  });
  return [{ type: 'text', text: writeAnswer(goal, readings, prompt) }];
}

/** A caller that requires a call gets one, with arguments that are valid for the tool's schema. */
function forcedCall(
  options: LanguageModelV4CallOptions,
  goal: Goal,
  prompt: ReadPrompt,
  tools: readonly LanguageModelV4FunctionTool[],
): LanguageModelV4Content | undefined {
  const choice = options.toolChoice;
  if (choice?.type !== 'tool' && choice?.type !== 'required') return undefined;
  const tool = choice.type === 'tool' ? tools.find((one) => one.name === choice.toolName) : tools[0];
  if (!tool) return undefined;
  const open = planSources(goal.sources, prompt, choice.type === 'tool' ? [tool] : tools).find(
    (plan) => plan.state === 'to-call',
  );
  if (open)
    return { type: 'tool-call', toolCallId: open.callId, toolName: open.tool, input: JSON.stringify(open.input) };
  const input = jsonBySchema(tool.inputSchema, (path) =>
    /^(?:query|text|goal|question|message)$/.test(path.at(-1) ?? '') ? goal.query : undefined,
  );
  const object =
    typeof input === 'object' && input !== null && !Array.isArray(input) ? (input as Record<string, never>) : {};
  return {
    type: 'tool-call',
    toolCallId: callIdOf(tool.name, object, prompt),
    toolName: tool.name,
    input: JSON.stringify(object),
  };
}

/** Applies `maxOutputTokens` (by the estimate) and `stopSequences`, as any model would. */
function limitText(
  content: LanguageModelV4Content[],
  options: LanguageModelV4CallOptions,
): { parts: LanguageModelV4Content[]; finishReason: LanguageModelV4FinishReason } {
  const [part] = content;
  if (part?.type !== 'text') return { parts: content, finishReason: stop };
  const ends = (options.stopSequences ?? [])
    .map((sequence) => (sequence === '' ? -1 : part.text.indexOf(sequence)))
    .filter((at) => at >= 0);
  const text = ends.length > 0 ? part.text.slice(0, Math.min(...ends)) : part.text;
  const room = (options.maxOutputTokens ?? Number.POSITIVE_INFINITY) * 4;
  if (text.length <= room) return { parts: [{ type: 'text', text }], finishReason: stop };
  return { parts: [{ type: 'text', text: text.slice(0, room) }], finishReason: { unified: 'length', raw: 'length' } };
}

function warningsOf(options: LanguageModelV4CallOptions): SharedV4Warning[] {
  const warnings: SharedV4Warning[] = [];
  for (const tool of options.tools ?? []) {
    if (tool.type === 'provider') warnings.push({ type: 'unsupported', feature: `provider tool ${tool.id}` });
  }
  const hasFiles = options.prompt.some(
    (message) => message.role === 'user' && message.content.some((part) => part.type === 'file'),
  );
  if (hasFiles) warnings.push({ type: 'unsupported', feature: 'file parts' });
  return warnings;
}
