import type { LanguageModel } from '@genie/core/ports';
import { toModelError } from '../failure/model-failure.ts';

/** What a provider needs to make a model. */
export interface ProviderSettings {
  readonly modelId: string;
  readonly apiKey: string | undefined;
  readonly baseURL: string;
  readonly fetch: typeof globalThis.fetch;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One row for each provider whose models come from an optional package. */
export interface Provider {
  readonly name: ProviderName;
  /** The optional peer dependency. */
  readonly packageName: string;
  /** Names under which the environment may hold the key, in order. */
  readonly keyNames: readonly string[];
  readonly needsKey: boolean;
  /** Undefined: the caller must pass one. */
  readonly defaultBaseURL: string | undefined;
  create(settings: ProviderSettings): Promise<LanguageModel>;
}

export type ProviderName = 'anthropic' | 'openai' | 'google' | 'openai-compatible';

export const providers: Readonly<Record<ProviderName, Provider>> = {
  anthropic: {
    name: 'anthropic',
    packageName: '@ai-sdk/anthropic',
    keyNames: ['ANTHROPIC_API_KEY'],
    needsKey: true,
    defaultBaseURL: 'https://api.anthropic.com/v1',
    async create({ modelId, ...settings }) {
      const { createAnthropic } = await loadPeer('anthropic', modelId, () => import('@ai-sdk/anthropic'));
      return createAnthropic(withKey(settings)).languageModel(modelId);
    },
  },
  openai: {
    name: 'openai',
    packageName: '@ai-sdk/openai',
    keyNames: ['OPENAI_API_KEY'],
    needsKey: true,
    defaultBaseURL: 'https://api.openai.com/v1',
    async create({ modelId, ...settings }) {
      const { createOpenAI } = await loadPeer('openai', modelId, () => import('@ai-sdk/openai'));
      return createOpenAI(withKey(settings)).languageModel(modelId);
    },
  },
  google: {
    name: 'google',
    packageName: '@ai-sdk/google',
    keyNames: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    needsKey: true,
    defaultBaseURL: 'https://generativelanguage.googleapis.com/v1beta',
    async create({ modelId, ...settings }) {
      const { createGoogle } = await loadPeer('google', modelId, () => import('@ai-sdk/google'));
      return createGoogle(withKey(settings)).languageModel(modelId);
    },
  },
  'openai-compatible': {
    name: 'openai-compatible',
    packageName: '@ai-sdk/openai-compatible',
    keyNames: ['OPENAI_COMPATIBLE_API_KEY'],
    needsKey: false,
    defaultBaseURL: undefined,
    async create({ modelId, ...settings }) {
      const { createOpenAICompatible } = await loadPeer(
        'openai-compatible',
        modelId,
        () => import('@ai-sdk/openai-compatible'),
      );
      const provider = createOpenAICompatible({
        ...withKey(settings),
        name: 'openai-compatible',
        includeUsage: true,
        supportsStructuredOutputs: true,
      });
      return provider.languageModel(modelId);
    },
  },
};

/** Key and address are always given where a provider would otherwise read the process environment. */
function withKey(settings: Omit<ProviderSettings, 'modelId'>) {
  const { apiKey, headers, ...rest } = settings;
  return { ...rest, ...(apiKey === undefined ? {} : { apiKey }), ...(headers ? { headers: { ...headers } } : {}) };
}

/** Imports an optional package. Rejects with `GENIE_MODEL_PEER_MISSING` and the install command when it is not there. */
export async function loadPeer<Module>(
  name: ProviderName,
  modelId: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!isMissingModule(error)) throw error;
    const { packageName } = providers[name];
    const message = `the package ${packageName} is not installed: npm install ${packageName}`;
    throw toModelError({ kind: 'peer-missing', message }, `${name}/${modelId}`);
  }
}

function isMissingModule(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
