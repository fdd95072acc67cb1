import type { LanguageModel } from '@genie/core/ports';
import { keyProviders, lookAtFile, lookAtKey, lookAtOllama, type ModelCandidate } from './model-places.ts';
import type { ProviderName } from './provider/providers.ts';
import { type Environment, type ResolveModelOptions, resolveModel } from './resolve-model.ts';

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

export interface FoundModel {
  readonly model: LanguageModel;
  readonly id: string;
  /** Why this one, in a sentence for a person. */
  readonly why: string;
  /** Everything that was looked at, in order, the chosen one last. */
  readonly candidates: readonly ModelCandidate[];
}

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
  for (const name of keyProviders) {
    const candidate = lookAtKey(name, options);
    if (candidate.usable) return found(candidate.id, candidate.why, candidates, options);
    candidates.push(candidate);
  }
  const [ollama] = await lookAtOllama(options);
  if (ollama.usable) return found(ollama.id, ollama.why, candidates, options);
  candidates.push(ollama);
  for (const path of [environment.GENIE_LOCAL_MODEL, ...(options.localModels ?? [])]) {
    if (!path) continue;
    const local = await lookAtFile(path, options);
    if (local.usable) return found(local.id, local.why, candidates, options);
    candidates.push(local);
  }
  return found('offline', 'no key and no local model was found', candidates, options);
}

function found(id: string, why: string, before: readonly ModelCandidate[], options: FindModelOptions): FoundModel {
  return { model: resolveModel(id, options), id, why, candidates: [...before, { id, usable: true, why }] };
}
