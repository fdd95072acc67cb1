import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDaemon } from '../daemon/create-daemon.ts';
import type { DaemonEvent, DaemonOptions } from '../daemon/daemon.ts';
import { writeTestLayer, writeTestModel } from '../gguf/test-model.ts';
import { findLlama } from './find-llama.ts';

/** A tiny model with four layers in a folder of its own, for tests of the daemon. */
export async function writeTinyModels(environment: Readonly<Record<string, string | undefined>>) {
  const folder = await mkdtemp(join(tmpdir(), 'genie-daemon-'));
  const path = join(folder, 'base.gguf');
  await writeTestModel(path, { seed: 1 });
  for (let index = 0; index < 4; index += 1)
    await writeTestLayer(join(folder, `layer-${index}.gguf`), { seed: 10 + index });
  return {
    folder,
    path,
    llamaModule: findLlama(environment),
    layer: (index: number) => ({ path: join(folder, `layer-${index}.gguf`), weight: 1 }),
    remove: () => rm(folder, { recursive: true }),
  };
}

export type TinyModels = Awaited<ReturnType<typeof writeTinyModels>>;

/** A daemon of that model on one thread, and what it told. */
export function startTinyDaemon(tiny: TinyModels, more: Partial<DaemonOptions> = {}) {
  const events: DaemonEvent[] = [];
  const daemon = createDaemon({
    models: { tiny: tiny.path },
    threads: 1,
    contextTokens: 1_024,
    cache: { slots: 3 },
    onEvent: (event) => events.push(event),
    ...(tiny.llamaModule ? { llamaModule: tiny.llamaModule } : {}),
    ...more,
  });
  return { daemon, events };
}

export function say(text: string, maxTokens = 8) {
  return { messages: [{ role: 'user' as const, text }], maxTokens };
}
