import { describeThrown } from '@genie/core/errors';
import {
  keyProviders,
  type LookOptions,
  lookAtFile,
  lookAtKey,
  lookAtOllama,
  type ModelCandidate,
} from './model-places.ts';
import { openBackend } from './worker/backend.ts';

export interface SurveyOptions extends LookOptions {
  /** GGUF files beside the one that GENIE_LOCAL_MODEL names. */
  readonly localModels?: readonly string[];
}

/**
 * Looks at every place where models come from, not only up to the first that is usable: keys, all models of an Ollama server, GGUF files and what runs
 * them, and `offline`, in the order in which `findModel` takes them. Sends one request, to the Ollama address. Rejects with the reason of an aborted signal only.
 */
export async function surveyModels(options: SurveyOptions): Promise<readonly ModelCandidate[]> {
  options.signal?.throwIfAborted();
  const paths = [options.environment.GENIE_LOCAL_MODEL, ...(options.localModels ?? [])].filter((path) => path?.trim());
  const [ollama, runtime, ...files] = await Promise.all([
    lookAtOllama(options),
    lookAtRuntime(options),
    ...paths.map((path) => lookAtFile(path ?? '', options)),
  ]);
  const noFile = { id: 'local', usable: false, why: 'no GGUF file is named: set GENIE_LOCAL_MODEL to the path of one' };
  return [
    ...keyProviders.map((name) => lookAtKey(name, options)),
    ...ollama,
    ...(runtime.usable ? [] : [runtime]),
    ...(files.length > 0
      ? files.map((file) => (runtime.usable ? file : { ...file, usable: false, why: runtime.why }))
      : [noFile]),
    { id: 'offline', usable: true, why: 'always there; it has no neural network' },
  ];
}

/** Whether this machine can run GGUF files at all: the package, and its binary for this platform. */
async function lookAtRuntime({ llamaModule }: LookOptions): Promise<ModelCandidate> {
  try {
    const { llama } = await openBackend({ threads: 1, llamaModule });
    await llama.dispose();
    return { id: 'local', usable: true, why: 'node-llama-cpp runs here' };
  } catch (error) {
    return { id: 'local', usable: false, why: describeThrown(error) };
  }
}
