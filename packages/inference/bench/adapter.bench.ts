import { findLlama } from '../src/lib/testing/find-llama.ts';
import { openBackend } from '../src/lib/worker/backend.ts';
import { atLeast, type BenchOptions, median, noted, type Row } from './rows.ts';
import { modelFiles } from './workload.ts';

/** What switching an adapter costs by itself. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  const llamaModule = findLlama(process.env);
  if (llamaModule !== undefined) return adapterOnly(llamaModule, log);
  log('node-llama-cpp is not installed: the cost of switching is not measured');
  return [];
}

/** The switch itself, on the library: the same prompt each time and no KV kept, with one adapter or with twelve in turn. */
async function adapterOnly(llamaModule: string, log: BenchOptions['log']): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, reach, rounds] of [
    ['134M', 95, 24],
    ['tiny', 75, 150],
  ] as const) {
    log(`adapter switches, ${name} …`);
    const { model: modelPath, layers } = await modelFiles(name, 12);
    const { llama } = await openBackend({ threads: 1, llamaModule });
    const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
    const context = await model.createContext({ contextSize: 256, sequences: 1, threads: 1 });
    const sequence = context.getSequence();
    const prompt = model.tokenize('What is new?');
    const once = async (adapter: number | undefined) => {
      const startedAt = performance.now();
      const before = process.cpuUsage();
      if (adapter !== undefined) await context._setLoras?.([{ filePath: layers[adapter] ?? '', scale: 1 }]);
      await sequence.clearHistory();
      let tokens = 0;
      for await (const _ of sequence.evaluate(prompt, { temperature: 0 })) {
        tokens += 1;
        if (tokens === 8) break;
      }
      const { user, system } = process.cpuUsage(before);
      return { wall: performance.now() - startedAt, cpu: user + system };
    };
    for (const adapter of layers.keys()) await once(adapter);
    const ratios: number[] = [];
    const ofCpu: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const still = await once(undefined);
      const switching = await once(round % layers.length);
      const again = await once(undefined);
      ratios.push((still.wall + again.wall) / 2 / switching.wall);
      ofCpu.push((still.cpu + again.cpu) / 2 / switching.cpu);
    }
    await context.dispose();
    await model.dispose();
    await llama.dispose();
    rows.push(
      atLeast(
        `adapter-switch-${name}`,
        `adapter-only throughput against zero switch, ${name}`,
        100 * median(ratios),
        '%',
        reach,
      ),
      noted(`adapter-switch-${name}-cpu`, `the same, ${name}, by CPU time`, 100 * median(ofCpu), '%'),
    );
  }
  return rows;
}
