import { basename } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { LanguageModel } from '@genie/core/ports';
import { createDaemon } from './daemon/create-daemon.ts';
import type { Daemon } from './daemon/daemon.ts';
import { toModelError } from './failure/model-failure.ts';
import { createOfflineModel } from './offline/offline-model.ts';
import { ollamaAddress } from './ollama/ollama-address.ts';
import { createOllamaModel } from './ollama/ollama-model.ts';
import { createLazyModel } from './provider/lazy-model.ts';
import { type Provider, providers } from './provider/providers.ts';
import { createRedactor } from './provider/redact.ts';
import type { EngineLayer } from './worker/engine-request.ts';

/** The record that holds provider keys, such as `process.env`. Read when a model is resolved, never written. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ResolveModelOptions {
  /** The key of this model. Goes before the environment, lives only in the model's closure, and never appears in errors. */
  readonly apiKey?: string;
  /** Prefix of the provider's endpoints, e.g. `http://127.0.0.1:8080/v1`. Needed by `openai-compatible`. */
  readonly baseURL?: string;
  /** How requests leave; a genie passes its egress filter. Default `globalThis.fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  readonly environment?: Environment;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Context size in tokens to ask of Ollama, which otherwise cuts prompts at its own small default. Default 16,384; 4,096 for local models. */
  readonly contextTokens?: number;
  /** Serves `local/<id>` with one of its models; it stays yours to close. Without it `local/<path>` starts a worker of its own. */
  readonly daemon?: Daemon;
  /** LoRA layers for a local model. */
  readonly layers?: readonly EngineLayer[];
  /** A module to import instead of `node-llama-cpp`. */
  readonly llamaModule?: string;
}

/**
 * Makes a model from its id: `anthropic/<id>`, `openai/<id>`, `google/<id>`, `openai-compatible/<id>`, `ollama/<id>`, `local/<path of a GGUF
 * file>` or `offline`.
 * Nothing is loaded and no request is sent before the first call, except that the id and the options are checked.
 *
 * Throws `GENIE_MODEL_ID` (unknown form), `GENIE_MODEL_KEY_MISSING`, `GENIE_MODEL_BASE_URL`. Calls reject with the codes of
 * {@link failureTable}, among them `GENIE_MODEL_PEER_MISSING` with the command that installs the provider's package.
 */
export function resolveModel(id: string, options: ResolveModelOptions = {}): LanguageModel {
  if (id === 'offline') return createOfflineModel();
  const { provider, modelId } = parseModelId(id);
  if (provider === 'ollama') return resolveOllama(modelId, options);
  if (provider === 'local') return resolveLocal(modelId, options);
  return resolveProvider(providers[provider], modelId, options);
}

type ModelProvider = keyof typeof providers | 'ollama' | 'local';

function parseModelId(id: string): { provider: ModelProvider; modelId: string } {
  const cut = typeof id === 'string' ? id.indexOf('/') : -1;
  const provider = cut < 0 ? '' : id.slice(0, cut);
  const modelId = cut < 0 ? '' : id.slice(cut + 1);
  if (modelId !== '' && (provider === 'ollama' || provider === 'local' || Object.hasOwn(providers, provider))) {
    return { provider: provider as ModelProvider, modelId };
  }
  const known = [...Object.keys(providers), 'ollama', 'local'].map((name) => `"${name}/<model>"`).join(', ');
  throw new GenieError('GENIE_MODEL_ID', `Model ${JSON.stringify(id)} is not known: use ${known} or "offline".`);
}

function resolveProvider(provider: Provider, modelId: string, options: ResolveModelOptions): LanguageModel {
  const id = `${provider.name}/${modelId}`;
  const apiKey = options.apiKey ?? keyFrom(provider, options.environment);
  if (provider.needsKey && !apiKey) {
    throw toModelError({ kind: 'key-missing', message: `no key: set ${provider.keyNames.join(' or ')}` }, id);
  }
  const baseURL = options.baseURL ?? provider.defaultBaseURL;
  if (baseURL === undefined || !/^https?:\/\//.test(baseURL)) {
    throw new GenieError(
      'GENIE_MODEL_BASE_URL',
      `Model "${id}" has baseURL ${JSON.stringify(baseURL)}: pass an http or https address, e.g. "http://127.0.0.1:8080/v1".`,
    );
  }
  return createLazyModel({
    provider: provider.name,
    modelId,
    redact: createRedactor([apiKey]),
    load: () =>
      provider.create({
        modelId,
        apiKey,
        baseURL: baseURL.replace(/\/+$/, ''),
        fetch: options.fetch ?? globalThis.fetch,
        ...(options.headers ? { headers: options.headers } : {}),
      }),
  });
}

/** The first key that the environment holds for a provider. */
export function keyFrom(provider: Provider, environment: Environment | undefined): string | undefined {
  return provider.keyNames.map((name) => environment?.[name]?.trim()).find((key) => key !== undefined && key !== '');
}

/** A worker of its own starts with the first call and lives as long as this process; while it waits, it does not keep the process alive. */
function resolveLocal(modelId: string, options: ResolveModelOptions): LanguageModel {
  const genome = options.layers ? { layers: options.layers } : {};
  if (options.daemon) return options.daemon.model({ ...genome, base: modelId });
  const load = async () => {
    const daemon = createDaemon({
      models: { [basename(modelId)]: modelId },
      ...(options.contextTokens === undefined ? {} : { contextTokens: options.contextTokens }),
      ...(options.llamaModule === undefined ? {} : { llamaModule: options.llamaModule }),
    });
    await daemon.ready();
    return daemon.model(genome);
  };
  return createLazyModel({ provider: 'local', modelId: basename(modelId), redact: (text) => text, load });
}

function resolveOllama(modelId: string, options: ResolveModelOptions): LanguageModel {
  const model = createOllamaModel({
    modelId,
    baseURL: options.baseURL ?? ollamaAddress(options.environment?.OLLAMA_HOST),
    fetch: options.fetch ?? globalThis.fetch,
    contextTokens: options.contextTokens ?? 16_384,
    ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
    ...(options.headers ? { headers: options.headers } : {}),
  });
  const redact = createRedactor([options.apiKey]);
  return createLazyModel({ provider: 'ollama', modelId, redact, load: async () => model });
}
