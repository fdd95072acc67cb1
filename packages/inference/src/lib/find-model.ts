import { describeThrown } from '@genie/core/errors';
import type { LanguageModel } from '@genie/core/ports';
import { readGguf } from './gguf/read-gguf.ts';
import { listOllamaModels } from './ollama/list-ollama-models.ts';
import { ollamaAddress } from './ollama/ollama-address.ts';
import { type ProviderName, providers } from './provider/providers.ts';
import { type Environment, keyFrom, type ResolveModelOptions, resolveModel } from './resolve-model.ts';
import { testedVersion } from './worker/llama-library.ts';

export interface FindModelOptions extends Omit<ResolveModelOptions, 'apiKey' | 'baseURL'> {
  /** An explicit choice; goes first. Also read from GENIE_MODEL of the environment. */
  readonly model?: string;
  readonly environment: Environment;
  /** GGUF files to use when nothing better is found, best first. Also read from GENIE_LOCAL_MODEL. */
  readonly localModels?: readonly string[];
  /** How long to wait for the Ollama server. Default 300 ms. */
  readonly probeTimeoutMs?: number;
  /** Which model to take for a provider whose key is found. Default {@link defaultModelIds}. */
  readonly modelIds?: Partial<Readonly<Record<ProviderName, string>>>;
  readonly signal?: AbortSignal;
}

/** One place that was looked at, for `doctor`. */
export interface ModelCandidate {
  readonly id: string;
  readonly usable: boolean;
  readonly why: string;
}

export interface FoundModel {
  readonly model: LanguageModel;
  readonly id: string;
  /** Why this one, in a sentence for a person. */
  readonly why: string;
  /** Everything that was looked at, in order, the chosen one last. */
  readonly candidates: readonly ModelCandidate[];
}

/** What a found key is used with unless the caller says otherwise: a mid-sized model of each provider. */
export const defaultModelIds: Readonly<Record<'anthropic' | 'openai' | 'google', string>> = {
  anthropic: 'claude-sonnet-5',
  openai: 'gpt-5.4-mini',
  google: 'gemini-flash-latest',
};

/**
 * Picks the model of a genie that named none, in this order: an explicit option, GENIE_MODEL, provider keys in the environment
 * (Anthropic, OpenAI, Google), an Ollama server, a local GGUF file, else `offline`. Sends one request, to the Ollama address, and only when nothing came before.
 * Throws as {@link resolveModel} for an explicit model that cannot be used; rejects with the reason of an aborted signal.
 */
export async function findModel(options: FindModelOptions): Promise<FoundModel> {
  options.signal?.throwIfAborted();
  const { environment } = options;
  const explicit = options.model ?? environment.GENIE_MODEL?.trim();
  if (explicit) return found(explicit, options.model ? 'chosen explicitly' : 'named by GENIE_MODEL', [], options);
  const candidates: ModelCandidate[] = [];
  for (const name of ['anthropic', 'openai', 'google'] as const) {
    const candidate = fromKey(name, options);
    if (candidate.usable) return found(candidate.id, candidate.why, candidates, options);
    candidates.push(candidate);
  }
  const ollama = await fromOllama(options);
  if (ollama.usable) return found(ollama.id, ollama.why, candidates, options);
  candidates.push(ollama);
  for (const path of [environment.GENIE_LOCAL_MODEL, ...(options.localModels ?? [])]) {
    if (!path) continue;
    const local = await fromFile(path, options);
    if (local.usable) return found(local.id, local.why, candidates, options);
    candidates.push(local);
  }
  return found('offline', 'no key and no local model was found', candidates, options);
}

function found(id: string, why: string, before: readonly ModelCandidate[], options: FindModelOptions): FoundModel {
  return { model: resolveModel(id, options), id, why, candidates: [...before, { id, usable: true, why }] };
}

function fromKey(name: 'anthropic' | 'openai' | 'google', options: FindModelOptions): ModelCandidate {
  const provider = providers[name];
  const id = `${name}/${options.modelIds?.[name] ?? defaultModelIds[name]}`;
  const keyName = provider.keyNames.find((candidate) => options.environment[candidate]?.trim());
  if (keyName === undefined || keyFrom(provider, options.environment) === undefined) {
    return { id, usable: false, why: `no key: set ${provider.keyNames.join(' or ')}` };
  }
  if (!isInstalled(provider.packageName)) {
    return {
      id,
      usable: false,
      why: `${keyName} is set, but ${provider.packageName} is not installed: npm install ${provider.packageName}`,
    };
  }
  return { id, usable: true, why: `${keyName} is set` };
}

/** Resolves without loading: importing a provider costs tens of milliseconds. */
function isInstalled(packageName: string): boolean {
  try {
    import.meta.resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

async function fromFile(path: string, options: FindModelOptions): Promise<ModelCandidate> {
  const id = `local/${path}`;
  if (options.llamaModule === undefined && !isInstalled('node-llama-cpp')) {
    return { id, usable: false, why: `node-llama-cpp is not installed: npm install node-llama-cpp@${testedVersion}` };
  }
  try {
    const { metadata } = await readGguf(path);
    return { id, usable: true, why: `the file is a ${String(metadata.get('general.architecture'))} model` };
  } catch (error) {
    return { id, usable: false, why: describeThrown(error) };
  }
}

async function fromOllama(options: FindModelOptions): Promise<ModelCandidate> {
  const baseURL = ollamaAddress(options.environment.OLLAMA_HOST);
  const timeoutMs = options.probeTimeoutMs ?? 300;
  try {
    const names = await listOllamaModels({
      baseURL,
      timeoutMs,
      fetch: options.fetch ?? globalThis.fetch,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const [first] = names;
    if (first === undefined)
      return {
        id: 'ollama',
        usable: false,
        why: `the Ollama server at ${baseURL} has no chat model: ollama pull <model>`,
      };
    return { id: `ollama/${first}`, usable: true, why: `the Ollama server at ${baseURL} has it` };
  } catch {
    options.signal?.throwIfAborted();
    return { id: 'ollama', usable: false, why: `no Ollama server answers at ${baseURL} within ${timeoutMs} ms` };
  }
}
