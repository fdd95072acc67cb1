import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchShape, type ModelShape, tinyShape, writeTestLayer, writeTestModel } from '../src/lib/gguf/test-model.ts';

export interface ModelFiles {
  readonly model: string;
  readonly layers: readonly string[];
}

/** Generates a model and its layers once; they are the same bytes each time. */
export async function modelFiles(name: 'tiny' | '134M', layerCount: number): Promise<ModelFiles> {
  const shape: ModelShape = name === 'tiny' ? tinyShape : benchShape;
  const folder = join(tmpdir(), 'genie-bench-models');
  await mkdir(folder, { recursive: true });
  const model = join(folder, `${name}.gguf`);
  await once(model, (path) => writeTestModel(path, { seed: 1, shape }));
  const layers = Array.from({ length: layerCount }, (_, index) => join(folder, `${name}-layer-${index}.gguf`));
  for (const [index, path] of layers.entries())
    await once(path, (part) => writeTestLayer(part, { seed: 100 + index, shape, rank: 16 }));
  return { model, layers };
}

async function once(path: string, write: (path: string) => Promise<void>): Promise<void> {
  if (existsSync(path)) return;
  await write(`${path}.part`);
  await rename(`${path}.part`, path);
}

/** Zipf with exponent 1 over `count` things; the same sequence each time. */
export function zipf(count: number, length: number): readonly number[] {
  const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  let state = 20_261_121;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    let at = (state / 4_294_967_296) * sum;
    return Math.max(
      0,
      weights.findIndex((weight) => {
        at -= weight;
        return at < 0;
      }),
    );
  });
}

/** A conversation whose prompt has 243 tokens before the question (one character is one token in the test models). */
export function agentMessages(genome: number, question: string) {
  // The beginning of a text is one token.
  const frame = 1 + 'system: \nuser: '.length;
  const prefix = `You are genie number ${genome}. `.padEnd(
    243 - frame,
    'Read your sources, leave out what is known, and cite each line. ',
  );
  return [
    { role: 'system' as const, text: prefix },
    { role: 'user' as const, text: question },
  ];
}
