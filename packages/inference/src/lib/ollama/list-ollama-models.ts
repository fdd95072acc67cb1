import { z } from 'zod';

const tagsSchema = z.object({
  models: z.array(z.object({ name: z.string(), details: z.object({ family: z.string().nullish() }).nullish() })),
});

/** The chat models of an Ollama server, as it orders them (newest first), embedding models left out. Rejects when it does not answer in time. */
export async function listOllamaModels(options: {
  readonly baseURL: string;
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal;
}): Promise<readonly string[]> {
  const limit = AbortSignal.timeout(options.timeoutMs);
  const response = await options.fetch(`${options.baseURL}/api/tags`, {
    signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const { models } = tagsSchema.parse(await response.json());
  return models
    .filter(({ name, details }) => !/embed|bge|minilm|bert/i.test(`${name} ${details?.family ?? ''}`))
    .map(({ name }) => name);
}
