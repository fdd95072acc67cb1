import { basename, dirname } from 'node:path';
import { describeThrown } from '@genie/core/errors';

export interface EmbedTextsInput {
  readonly texts: readonly string[];
  /** Holds `config.json`, `tokenizer.json` and `onnx/`. */
  readonly folder: string;
  readonly dtype: string;
  readonly pooling: 'mean' | 'cls';
  /** What to import as `@huggingface/transformers`. */
  readonly module: string;
}

export type EmbedTextsResult =
  | { readonly status: 'done'; readonly values: Float32Array; readonly dimensions: number }
  /** The package is not installed. */
  | { readonly status: 'missing' }
  /** The model cannot be loaded, or cannot embed these texts. */
  | { readonly status: 'unusable' | 'failed'; readonly message: string };

type Extractor = (
  texts: readonly string[],
  options: { readonly pooling: string; readonly normalize: boolean },
) => Promise<{ readonly data: Float32Array; readonly dims: readonly number[] }>;

interface Transformers {
  readonly env: { allowRemoteModels: boolean; allowLocalModels: boolean; localModelPath: string; useFSCache?: boolean };
  pipeline(task: 'feature-extraction', model: string, options: Readonly<Record<string, unknown>>): Promise<Extractor>;
}

/** One model a thread: loaded by the first task, for the life of the thread. */
let loaded: { readonly name: string; readonly extractor: Promise<Extractor> } | undefined;

/** A task of an embedding thread. Nothing is downloaded: the model is a folder. */
export async function embedTexts(input: EmbedTextsInput): Promise<EmbedTextsResult> {
  const name = JSON.stringify([input.module, input.folder, input.dtype]);
  if (loaded?.name !== name) loaded = { name, extractor: load(input) };
  let extract: Extractor;
  try {
    extract = await loaded.extractor;
  } catch (error) {
    loaded = undefined;
    if ((error as { code?: unknown } | null)?.code === 'ERR_MODULE_NOT_FOUND') return { status: 'missing' };
    return { status: 'unusable', message: describeThrown(error) };
  }
  try {
    const { data, dims } = await extract(input.texts, { pooling: input.pooling, normalize: true });
    return { status: 'done', values: Float32Array.from(data), dimensions: dims.at(-1) ?? 0 };
  } catch (error) {
    return { status: 'failed', message: describeThrown(error) };
  }
}

async function load({ module, folder, dtype }: EmbedTextsInput): Promise<Extractor> {
  const { env, pipeline } = (await import(module)) as Transformers;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useFSCache = false;
  env.localModelPath = `${dirname(folder)}/`;
  return pipeline('feature-extraction', basename(folder), {
    dtype,
    device: 'cpu',
    // Spinning threads take the cores that others need.
    session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 },
  });
}
