import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLlama } from '../src/lib/testing/find-llama.ts';
import { LlamaEngine } from '../src/lib/worker/llama-engine.ts';
import { loadLlamaLibrary } from '../src/lib/worker/llama-library.ts';
import { atLeast, type BenchOptions, median, noted, type Row } from './rows.ts';
import { agentMessages, type ModelFiles, modelFiles, zipf } from './workload.ts';

const genomes = 50;
const cold = 160;
const warm = 100;

/** Layers and KV of many genomes on one base model, against switching adapters by hand without keeping KV. One thread. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  const llamaModule = findLlama(process.env);
  if (llamaModule === undefined) {
    log('node-llama-cpp is not installed: the figures of the local engine are not measured');
    return [];
  }
  return [...(await adapterOnly(llamaModule, log)), ...(await agentLoad(llamaModule, log))];
}

/** All three take turns, so that whatever else the machine does falls on each of them. */
async function agentLoad(llamaModule: string, log: BenchOptions['log']): Promise<Row[]> {
  const files = await modelFiles('134M', genomes);
  const stateFolder = await mkdtemp(join(tmpdir(), 'genie-bench-state-'));
  const open = (more: Partial<Parameters<typeof LlamaEngine.create>[0]>) =>
    LlamaEngine.create({ modelPath: files.model, threads: 1, contextTokens: 512, llamaModule, ...more });
  const ours = await open({ slots: 20, maxLayers: 20, stateFolder });
  const bare = await open({ slots: 1 });
  const limit = await open({ slots: 1 });
  const times: Record<'cold' | 'warm' | 'bareCold' | 'bareWarm' | 'limitWarm', number[]> = {
    cold: [],
    warm: [],
    bareCold: [],
    bareWarm: [],
    limitWarm: [],
  };
  await request(limit, files, 0, 0);
  for (const [index, genome] of zipf(genomes, cold + warm).entries()) {
    if (index % 26 === 0) log(`request ${index} of ${cold + warm}`);
    const isWarm = index >= cold;
    times[isWarm ? 'warm' : 'cold'].push(await request(ours, files, genome, index));
    if (index % 8 === 0)
      times[isWarm ? 'bareWarm' : 'bareCold'].push(await request(bare, files, genome, index, `${index} `));
    if (isWarm && index % 4 === 0) times.limitWarm.push(await request(limit, files, 0, index));
  }
  for (const engine of [ours, bare, limit]) await engine.close();
  await rm(stateFolder, { recursive: true, force: true });
  return [
    noted('agent-load-bare', 'agent load, hot switching without KV', mean(times.bareWarm), 'ms/request'),
    atLeast(
      'agent-load-cold',
      `agent load, ${cold} requests from cold, against hot switching without KV`,
      mean(times.bareCold) / mean(times.cold),
      '×',
      2.5,
    ),
    atLeast(
      'agent-load-warm',
      `agent load, the next ${warm} requests, against hot switching without KV`,
      mean(times.bareWarm) / mean(times.warm),
      '×',
      6,
    ),
    atLeast(
      'agent-load-share',
      'agent load, warm, share of the zero-switch limit',
      (100 * mean(times.limitWarm)) / mean(times.warm),
      '%',
      80,
    ),
  ];
}

/** One request: a prefix of 243 tokens for each genome, a short question, 8 tokens out. `unlike` at the start makes kept KV useless. */
async function request(
  engine: LlamaEngine,
  files: ModelFiles,
  genome: number,
  index: number,
  unlike = '',
): Promise<number> {
  const layer = files.layers[genome];
  const [system, user] = agentMessages(genome, `${index % 7}?`);
  const messages = [
    { role: 'system' as const, text: `${unlike}${system?.text ?? ''}`.slice(0, system?.text.length) },
    { role: 'user' as const, text: user?.text ?? '' },
  ];
  const startedAt = performance.now();
  await engine.run(
    { messages, layers: layer === undefined ? [] : [{ path: layer, weight: 1 }], maxTokens: 8 },
    () => {},
  );
  return performance.now() - startedAt;
}

/** The switch itself, on the library: the same prompt each time and no KV kept, with one adapter or with twelve in turn. */
async function adapterOnly(llamaModule: string, log: BenchOptions['log']): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, reach, rounds] of [
    ['134M', 95, 12],
    ['tiny', 75, 150],
  ] as const) {
    log(`adapter switches, ${name} …`);
    const { model: modelPath, layers } = await modelFiles(name, 12);
    const library = await loadLlamaLibrary(llamaModule);
    const llama = await library.getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: 'error',
      maxThreads: 1,
    });
    const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
    const context = await model.createContext({ contextSize: 256, sequences: 1, threads: 1 });
    const sequence = context.getSequence();
    const prompt = model.tokenize('What is new?');
    const once = async (adapter: number | undefined) => {
      const startedAt = performance.now();
      if (adapter !== undefined) await context._setLoras?.([{ filePath: layers[adapter] ?? '', scale: 1 }]);
      await sequence.clearHistory();
      let tokens = 0;
      for await (const _ of sequence.evaluate(prompt, { temperature: 0 })) {
        tokens += 1;
        if (tokens === 8) break;
      }
      return performance.now() - startedAt;
    };
    for (const adapter of layers.keys()) await once(adapter);
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const still = await once(undefined);
      const switching = await once(round % layers.length);
      const again = await once(undefined);
      ratios.push((still + again) / 2 / switching);
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
    );
  }
  return rows;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
