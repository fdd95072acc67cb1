import type {
  LanguageModelV2,
  LanguageModelV2Content,
  LanguageModelV2FinishReason,
  LanguageModelV2Prompt,
  LanguageModelV2StreamPart,
  LanguageModelV2Usage,
  LanguageModelV3,
  LanguageModelV3File,
  LanguageModelV3Prompt,
} from '@ai-sdk/provider';
import { GenieError } from '../genie-error.ts';
import type {
  AnyLanguageModel,
  LanguageModel,
  ModelCallOptions,
  ModelContent,
  ModelGenerateResult,
  ModelStreamPart,
} from './language-model.ts';

/**
 * Gives a model of any supported version the form of version 4. Version 4 passes through untouched.
 * Throws `GENIE_MODEL_INVALID` for something that is not a model.
 */
export function upgradeOlderSpec(model: AnyLanguageModel): LanguageModel {
  const version: unknown = (model as { specificationVersion?: unknown } | undefined)?.specificationVersion;
  if (version === 'v4') return model as LanguageModel;
  if (version === 'v3') return upgradeV3(model as LanguageModelV3);
  if (version === 'v2') return upgradeV2(model as LanguageModelV2);
  throw new GenieError(
    'GENIE_MODEL_INVALID',
    `A model is an object of the AI SDK provider contract (specificationVersion "v4", "v3" or "v2"); received ${typeof model === 'string' ? JSON.stringify(model) : `version ${JSON.stringify(version)}`}. Pass a provider's model, or resolveModel("…") from @genie/inference.`,
  );
}

function upgradeV3(model: LanguageModelV3): LanguageModel {
  const downgrade = (options: ModelCallOptions) =>
    ({ ...options, prompt: downgradePrompt(options.prompt, 'v3') }) as unknown as Parameters<
      LanguageModelV3['doGenerate']
    >[0];
  return {
    specificationVersion: 'v4',
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    async doGenerate(options) {
      const result = await model.doGenerate(downgrade(options));
      return { ...result, content: result.content.map(upgradeContent) } as ModelGenerateResult;
    },
    async doStream(options) {
      const result = await model.doStream(downgrade(options));
      return { ...result, stream: result.stream as unknown as ReadableStream<ModelStreamPart> };
    },
  };
}

function upgradeV2(model: LanguageModelV2): LanguageModel {
  const downgrade = (options: ModelCallOptions) =>
    ({ ...options, prompt: downgradePrompt(options.prompt, 'v2') }) as unknown as Parameters<
      LanguageModelV2['doGenerate']
    >[0];
  return {
    specificationVersion: 'v4',
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    async doGenerate(options) {
      const result = await model.doGenerate(downgrade(options));
      return {
        ...result,
        content: result.content.map(upgradeContent),
        finishReason: upgradeFinish(result.finishReason),
        usage: upgradeUsage(result.usage),
        warnings: [],
      } as ModelGenerateResult;
    },
    async doStream(options) {
      const result = await model.doStream(downgrade(options));
      return { ...result, stream: result.stream.pipeThrough(new TransformStream({ transform: upgradeStreamPart })) };
    },
  };
}

/** Version 2 knows no denied executions; both older versions name file results differently. */
function downgradePrompt(
  prompt: ModelCallOptions['prompt'],
  version: 'v2' | 'v3',
): LanguageModelV2Prompt | LanguageModelV3Prompt {
  if (version === 'v3') return prompt as unknown as LanguageModelV3Prompt;
  return prompt.map((message) => {
    if (message.role !== 'tool') return message;
    return {
      ...message,
      content: message.content.map((part) =>
        part.type === 'tool-result' && part.output.type === 'execution-denied'
          ? { ...part, output: { type: 'error-text', value: part.output.reason ?? 'The user denied this call.' } }
          : part,
      ),
    };
  }) as unknown as LanguageModelV2Prompt;
}

function upgradeContent(part: LanguageModelV2Content | { readonly type: string }): ModelContent {
  if (part.type !== 'file') return part as ModelContent;
  const file = part as LanguageModelV3File;
  return { ...file, data: { type: 'data', data: file.data } };
}

function upgradeStreamPart(
  part: LanguageModelV2StreamPart,
  controller: TransformStreamDefaultController<ModelStreamPart>,
): void {
  if (part.type === 'finish') {
    controller.enqueue({
      ...part,
      finishReason: upgradeFinish(part.finishReason),
      usage: upgradeUsage(part.usage),
    } as ModelStreamPart);
  } else if (part.type === 'stream-start') {
    controller.enqueue({ type: 'stream-start', warnings: [] });
  } else {
    controller.enqueue((part.type === 'file' ? upgradeContent(part) : part) as ModelStreamPart);
  }
}

function upgradeFinish(reason: LanguageModelV2FinishReason): ModelGenerateResult['finishReason'] {
  return { unified: reason === 'unknown' ? 'other' : reason, raw: reason };
}

function upgradeUsage(usage: LanguageModelV2Usage): ModelGenerateResult['usage'] {
  const cached = usage.cachedInputTokens;
  return {
    inputTokens: {
      total: usage.inputTokens,
      noCache: usage.inputTokens === undefined ? undefined : usage.inputTokens - (cached ?? 0),
      cacheRead: cached,
      cacheWrite: undefined,
    },
    outputTokens: { total: usage.outputTokens, text: undefined, reasoning: usage.reasoningTokens },
  };
}
