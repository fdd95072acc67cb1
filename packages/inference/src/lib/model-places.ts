import { stat } from 'node:fs/promises';
import { freemem } from 'node:os';
import { describeThrown } from '@genie/core/errors';
import { readGguf } from './gguf/read-gguf.ts';
import { listOllamaModels } from './ollama/list-ollama-models.ts';
import { ollamaAddress } from './ollama/ollama-address.ts';
import { type ProviderName, providers } from './provider/providers.ts';
import { type Environment, keyFrom } from './resolve-model.ts';
import { testedVersion } from './worker/llama-library.ts';

/** One place that was looked at, for `doctor`. */
export interface ModelCandidate {
  readonly id: string;
  readonly usable: boolean;
  readonly why: string;
}

/** What the looks below need of their caller's options. */
export interface LookOptions {
  readonly environment: Environment;
  readonly fetch?: typeof globalThis.fetch;
  readonly probeTimeoutMs?: number;
  readonly modelIds?: Partial<Readonly<Record<ProviderName, string>>>;
  readonly llamaModule?: string;
  readonly signal?: AbortSignal;
}

/** What a found key is used with unless the caller says otherwise: a mid-sized model of each provider. */
export const defaultModelIds: Readonly<Record<'anthropic' | 'openai' | 'google', string>> = {
  anthropic: 'claude-sonnet-5',
  openai: 'gpt-5.4-mini',
  google: 'gemini-flash-latest',
};

export const keyProviders = ['anthropic', 'openai', 'google'] as const;

/** A provider: is there a key, and its package? */
export function lookAtKey(name: (typeof keyProviders)[number], options: LookOptions): ModelCandidate {
  const provider = providers[name];
  const id = `${name}/${options.modelIds?.[name] ?? defaultModelIds[name]}`;
  const keyName = provider.keyNames.find((candidate) => options.environment[candidate]?.trim());
  if (keyName === undefined || keyFrom(provider, options.environment) === undefined) {
    return { id, usable: false, why: `no key: set ${provider.keyNames.join(' or ')}` };
  }
  if (!isInstalled(provider.packageName)) {
    const why = `${keyName} is set, but ${provider.packageName} is not installed: npm install ${provider.packageName}`;
    return { id, usable: false, why };
  }
  return { id, usable: true, why: `${keyName} is set` };
}

/** An Ollama server: every chat model it has, or one line that says why there is none. */
export async function lookAtOllama(options: LookOptions): Promise<readonly [ModelCandidate, ...ModelCandidate[]]> {
  const baseURL = ollamaAddress(options.environment.OLLAMA_HOST);
  const timeoutMs = options.probeTimeoutMs ?? 300;
  const no = (why: string): readonly [ModelCandidate] => [{ id: 'ollama', usable: false, why }];
  try {
    const [first, ...rest] = await listOllamaModels({
      baseURL,
      timeoutMs,
      fetch: options.fetch ?? globalThis.fetch,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (first === undefined) return no(`the Ollama server at ${baseURL} has no chat model: ollama pull qwen3:4b`);
    const toCandidate = (name: string): ModelCandidate => ({
      id: `ollama/${name}`,
      usable: true,
      why: `the Ollama server at ${baseURL} has it`,
    });
    return [toCandidate(first), ...rest.map(toCandidate)];
  } catch {
    options.signal?.throwIfAborted();
    return no(`no Ollama server answers at ${baseURL} within ${timeoutMs} ms`);
  }
}

/** A GGUF file: is it a whole model, is there a library that runs it, and does it fit into memory? */
export async function lookAtFile(path: string, options: LookOptions): Promise<ModelCandidate> {
  const id = `local/${path}`;
  if (options.llamaModule === undefined && !isInstalled('node-llama-cpp')) {
    return { id, usable: false, why: `node-llama-cpp is not installed: npm install node-llama-cpp@${testedVersion}` };
  }
  try {
    const { metadata } = await readGguf(path);
    if (metadata.get('general.type') === 'adapter')
      return { id, usable: false, why: 'the file is a LoRA layer, not a model: put it on one' };
    const { size } = await stat(path);
    const tight =
      size > freemem()
        ? `; it has ${inGigabytes(size)}, ${inGigabytes(freemem())} of memory are free, so it will be slow`
        : '';
    return { id, usable: true, why: `the file is a ${String(metadata.get('general.architecture'))} model${tight}` };
  } catch (error) {
    return { id, usable: false, why: describeThrown(error) };
  }
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
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
