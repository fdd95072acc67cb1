import type { LanguageModel } from '@genie/core/ports';

/**
 * A model that is told a text behind its system message. The text is read for each call, so that what changed meanwhile counts; with
 * undefined it is told nothing. A call fails with what `read` rejects with.
 */
export function tellModel(model: LanguageModel, read: () => Promise<string | undefined>): LanguageModel {
  const told = async <Options extends { readonly prompt: Parameters<LanguageModel['doGenerate']>[0]['prompt'] }>(
    options: Options,
  ): Promise<Options> => {
    const content = await read();
    if (content === undefined) return options;
    const at = options.prompt.findLastIndex(({ role }) => role === 'system') + 1;
    return { ...options, prompt: options.prompt.toSpliced(at, 0, { role: 'system', content }) };
  };
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    get supportedUrls() {
      return model.supportedUrls;
    },
    doGenerate: async (options) => model.doGenerate(await told(options)),
    doStream: async (options) => model.doStream(await told(options)),
  };
}
