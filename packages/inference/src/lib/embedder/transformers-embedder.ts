import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GenieError } from '@genie/core/errors';
import { toModelError } from '../failure/model-failure.ts';
import { createThreadPool, type ThreadPool } from '../worker/thread-pool.ts';
import { CachingEmbedder } from './caching-embedder.ts';
import type { EmbedTextsInput, EmbedTextsResult } from './embed-texts.ts';
import type { Embedder } from './embedder.ts';

export interface TransformersOptions {
  /** Of `transformers/<id>`: the folder that holds models by id. Nothing is ever downloaded. Default `models` in the working folder. */
  readonly modelFolder?: string;
  /** Of `transformers/…`: threads that embed, each with the model in memory. Default 1. */
  readonly threads?: number;
  /** Of `transformers/…`: which weights, as the files in `onnx/` are named. Default `fp32` (`model.onnx`), else `q8` (`model_quantized.onnx`). */
  readonly dtype?: 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4';
  /** Of `transformers/…`: how the vectors of a text's tokens become one. Default `mean`. */
  readonly pooling?: 'mean' | 'cls';
  /** Of `transformers/…`: idle threads are ended after this time. Default 60,000. */
  readonly idleMs?: number;
  /** A module to import instead of `@huggingface/transformers`. */
  readonly transformersModule?: string;
}

interface Options extends TransformersOptions {
  readonly dimensions?: number;
  readonly batchSize?: number;
  readonly cacheEntries?: number;
}

const files = { fp32: 'model.onnx', q8: 'model_quantized.onnx' } as const;

/**
 * Embeds with an ONNX model in a pool of threads, because ONNX blocks the thread that it runs in. An abort is heard at once by the caller; the batch that runs goes on
 * to its end, because ending native work aborts the process.
 */
export function createTransformersEmbedder(name: string, options: Options): Embedder {
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > 16)
    throw new GenieError(
      'GENIE_EMBEDDER_INVALID',
      `Embedder "transformers/${name}" has threads ${threads}: use 1 to 16.`,
    );
  const folder = folderOf(name, options);
  const model: Omit<EmbedTextsInput, 'texts'> = {
    folder,
    dtype: options.dtype ?? dtypeOf(folder),
    pooling: options.pooling ?? 'mean',
    module: options.transformersModule ?? '@huggingface/transformers',
  };
  let pool: Promise<ThreadPool> | undefined;
  const open = () => {
    pool ??= createThreadPool({ threads, idleMs: options.idleMs ?? 60_000 });
    return pool;
  };
  return new CachingEmbedder('transformers', name, {
    dimensions: options.dimensions,
    batchSize: options.batchSize ?? 16,
    cacheEntries: options.cacheEntries,
    embedBatch: async (texts, signal) => {
      const work = open().then((one) => one.run<EmbedTextsResult>('embedTexts', { ...model, texts }));
      return rowsOf(await untilAborted(work, signal), name);
    },
    close: async () => {
      const one = await pool;
      pool = undefined;
      await one?.close();
    },
  }).toEmbedder();
}

function folderOf(name: string, { modelFolder = 'models' }: Options): string {
  const folder = [resolve(name), resolve(join(modelFolder, name))].find(
    (path) => existsSync(path) && statSync(path).isDirectory(),
  );
  if (folder !== undefined && existsSync(join(folder, 'tokenizer.json')) && existsSync(join(folder, 'onnx')))
    return folder;
  const where =
    folder === undefined
      ? `neither "${name}" nor "${join(modelFolder, name)}" is a folder`
      : `"${folder}" has no tokenizer.json or no onnx folder`;
  throw new GenieError(
    'GENIE_EMBEDDER_INVALID',
    `Embedder "transformers/${name}": ${where}. Models are not downloaded here: git clone https://huggingface.co/<id> ${modelFolder}/<id>`,
  );
}

function dtypeOf(folder: string): 'fp32' | 'q8' {
  if (existsSync(join(folder, 'onnx', files.fp32)) || !existsSync(join(folder, 'onnx', files.q8))) return 'fp32';
  return 'q8';
}

function rowsOf(result: EmbedTextsResult, name: string): readonly Float32Array[] {
  const id = `transformers/${name}`;
  switch (result.status) {
    case 'done': {
      const { values, dimensions } = result;
      return Array.from({ length: values.length / dimensions }, (_, row) =>
        values.subarray(row * dimensions, (row + 1) * dimensions),
      );
    }
    case 'missing':
      throw toModelError(
        { kind: 'peer-missing', message: `@huggingface/transformers is not installed: ${install}` },
        id,
      );
    case 'unusable':
      throw new GenieError(
        'GENIE_MODEL_LOAD',
        `Embedder "${id}" cannot be loaded: ${result.message}. Get its files again.`,
      );
    case 'failed':
      throw toModelError({ kind: 'unknown', message: result.message }, id);
    default:
      return result satisfies never;
  }
}

const install = 'npm install @huggingface/transformers';

function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
