import type {
  LanguageModelV4 as LanguageModel,
  LanguageModelV4Message as ModelMessage,
  LanguageModelV4StreamPart as ModelStreamPart,
} from '@ai-sdk/provider';
import { z } from 'zod';
import { lookUp, lookUpInput } from './workload.ts';

/*
 * What a careful person would write by hand for the workload: a loop over a model and one tool with a zod schema. These are the
 * measures that the runtime is held against.
 */

type Emit = (event: { readonly type: string; readonly [member: string]: unknown }) => void;

interface BareCall {
  readonly id: string;
  readonly name: string;
  readonly input: string;
}

const tools = [
  {
    type: 'function' as const,
    name: 'look-up',
    description: 'Looks an entry up.',
    inputSchema: z.toJSONSchema(lookUpInput) as never,
  },
];

/** Nothing but the loop. */
export async function bareLoop(model: LanguageModel): Promise<string> {
  const messages: ModelMessage[] = [{ role: 'user', content: [{ type: 'text', text: 'go' }] }];
  for (;;) {
    const { content } = await model.doGenerate({ prompt: messages, tools });
    const [part] = content;
    if (part?.type !== 'tool-call') return part?.type === 'text' ? part.text : '';
    push(
      messages,
      [{ id: part.toolCallId, name: part.toolName, input: part.input }],
      [lookUp(lookUpInput.parse(JSON.parse(part.input)))],
    );
  }
}

/** The same with events, abort, usage and records. */
export async function bareLoopWithEvents(
  model: LanguageModel,
  emit: Emit,
  signal: AbortSignal,
): Promise<{ text: string; records: unknown[] }> {
  const messages: ModelMessage[] = [{ role: 'user', content: [{ type: 'text', text: 'go' }] }];
  const records: unknown[] = [];
  const usage = { inputTokens: 0, outputTokens: 0 };
  for (let step = 1; ; step += 1) {
    signal.throwIfAborted();
    emit({ type: 'step.started', step, at: Date.now() });
    const result = await model.doGenerate({ prompt: messages, tools, abortSignal: signal });
    usage.inputTokens += result.usage.inputTokens.total ?? 0;
    usage.outputTokens += result.usage.outputTokens.total ?? 0;
    const calls: BareCall[] = [];
    let text = '';
    for (const part of result.content) {
      if (part.type === 'text') text += part.text;
      else if (part.type === 'tool-call') calls.push({ id: part.toolCallId, name: part.toolName, input: part.input });
    }
    records.push({ kind: 'answer', step, at: Date.now(), content: result.content, usage: result.usage });
    emit({ type: 'step.completed', step, at: Date.now(), usage: result.usage });
    if (calls.length === 0) return { text, records };
    await runCalls({ calls, messages, records, emit, step });
  }
}

/** The floor on streams: the same loop reading the contract's stream, every part an event. */
export async function bareLoopOnStreams(
  model: LanguageModel,
  emit: Emit,
  signal: AbortSignal,
): Promise<{ text: string; records: unknown[] }> {
  const messages: ModelMessage[] = [{ role: 'user', content: [{ type: 'text', text: 'go' }] }];
  const records: unknown[] = [];
  const usage = { inputTokens: 0, outputTokens: 0 };
  for (let step = 1; ; step += 1) {
    signal.throwIfAborted();
    emit({ type: 'step.started', step, at: Date.now() });
    const { stream } = await model.doStream({ prompt: messages, tools, abortSignal: signal });
    const { text, calls, finish } = await readStream(stream, (delta) =>
      emit({ type: 'text.delta', step, at: Date.now(), delta }),
    );
    usage.inputTokens += finish?.usage.inputTokens.total ?? 0;
    usage.outputTokens += finish?.usage.outputTokens.total ?? 0;
    records.push({ kind: 'answer', step, at: Date.now(), text, calls, usage: finish?.usage });
    emit({ type: 'step.completed', step, at: Date.now(), usage: finish?.usage });
    if (calls.length === 0) return { text, records };
    await runCalls({ calls, messages, records, emit, step });
  }
}

async function readStream(stream: ReadableStream<ModelStreamPart>, onText: (delta: string) => void) {
  const reader = stream.getReader();
  const calls: BareCall[] = [];
  let text = '';
  let finish: Extract<ModelStreamPart, { type: 'finish' }> | undefined;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text, calls, finish };
    if (value.type === 'text-delta') {
      text += value.delta;
      onText(value.delta);
    } else if (value.type === 'tool-call')
      calls.push({ id: value.toolCallId, name: value.toolName, input: value.input });
    else if (value.type === 'finish') finish = value;
  }
}

interface CallWork {
  readonly calls: readonly BareCall[];
  readonly messages: ModelMessage[];
  readonly records: unknown[];
  readonly emit: Emit;
  readonly step: number;
}

async function runCalls({ calls, messages, records, emit, step }: CallWork): Promise<void> {
  const outputs = await Promise.all(
    calls.map(async (call) => {
      const input = lookUpInput.parse(JSON.parse(call.input));
      emit({ type: 'tool.called', step, at: Date.now(), callId: call.id, input });
      return lookUp(input);
    }),
  );
  for (const [index, call] of calls.entries()) {
    records.push({ kind: 'result', callId: call.id, output: outputs[index], at: Date.now() });
    emit({ type: 'tool.completed', step, at: Date.now(), callId: call.id, output: outputs[index] });
  }
  push(messages, calls, outputs);
}

function push(messages: ModelMessage[], calls: readonly BareCall[], outputs: readonly unknown[]): void {
  messages.push({
    role: 'assistant',
    content: calls.map((call) => ({
      type: 'tool-call',
      toolCallId: call.id,
      toolName: call.name,
      input: JSON.parse(call.input),
    })),
  });
  messages.push({
    role: 'tool',
    content: calls.map((call, index) => ({
      type: 'tool-result',
      toolCallId: call.id,
      toolName: call.name,
      output: { type: 'json', value: outputs[index] as never },
    })),
  });
}
