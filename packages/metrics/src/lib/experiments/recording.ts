import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue, type LanguageModel, type Tool, type Toolbox } from '@genie/core/ports';

type CallOptions = Parameters<LanguageModel['doGenerate']>[0];
export type GenerateResult = Awaited<ReturnType<LanguageModel['doGenerate']>>;
export type StreamPart =
  Awaited<ReturnType<LanguageModel['doStream']>>['stream'] extends ReadableStream<infer Part> ? Part : never;

/** What a run got from outside: answers of models and tools, by the exact question. */
export interface Recording {
  readonly models: Record<string, ({ readonly result: GenerateResult } | { readonly parts: readonly StreamPart[] })[]>;
  readonly tools: Record<string, ({ readonly output: JsonValue } | { readonly error: string })[]>;
}

export function createRecording(): Recording {
  return { models: {}, tools: {} };
}

/** The question of a model call: what it would see and may do, without signals, headers and other circumstances. */
export function modelKey(modelId: string, options: CallOptions): string {
  const { prompt, tools, toolChoice, responseFormat, temperature, seed, maxOutputTokens, stopSequences } = options;
  return hash({
    modelId,
    prompt,
    tools,
    toolChoice,
    responseFormat,
    temperature,
    seed,
    maxOutputTokens,
    stopSequences,
  });
}

export function toolKey(tool: string, input: unknown): string {
  return hash({ tool, input });
}

/** The model, with every answer written down. */
export function recordModel(model: LanguageModel, recording: Recording): LanguageModel {
  const add = (key: string, entry: Recording['models'][string][number]): void => {
    recording.models[key] = [...(recording.models[key] ?? []), entry];
  };
  return {
    ...describe(model),
    async doGenerate(options) {
      const result = await model.doGenerate(options);
      add(modelKey(model.modelId, options), { result });
      return result;
    },
    async doStream(options) {
      const answer = await model.doStream(options);
      const parts: StreamPart[] = [];
      const note = new TransformStream<StreamPart, StreamPart>({
        transform(part, controller) {
          parts.push(part);
          controller.enqueue(part);
        },
        flush: () => add(modelKey(model.modelId, options), { parts }),
      });
      return { ...answer, stream: answer.stream.pipeThrough(note) };
    },
  };
}

/** The toolbox, with every result written down. */
export function recordToolbox(toolbox: Toolbox, recording: Recording): Toolbox {
  const wrap = (tool: Tool): Tool => ({
    ...tool,
    async run(input, context) {
      const key = toolKey(tool.name, input);
      const add = (entry: Recording['tools'][string][number]): void => {
        recording.tools[key] = [...(recording.tools[key] ?? []), entry];
      };
      try {
        const output = await tool.run(input, context);
        add({ output: (output ?? null) as JsonValue });
        return output;
      } catch (error) {
        add({ error: error instanceof Error ? error.message : String(error) });
        throw error;
      }
    },
  });
  return mapToolbox(toolbox, wrap);
}

export function mapToolbox(toolbox: Toolbox, wrap: (tool: Tool) => Tool): Toolbox {
  return {
    list: () => toolbox.list().map(wrap),
    get: (name) => {
      const tool = toolbox.get(name);
      return tool === undefined ? undefined : wrap(tool);
    },
  };
}

export function describe(
  model: LanguageModel,
): Pick<LanguageModel, 'specificationVersion' | 'provider' | 'modelId' | 'supportedUrls'> {
  const { specificationVersion, provider, modelId, supportedUrls } = model;
  return { specificationVersion, provider, modelId, supportedUrls };
}

function hash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
