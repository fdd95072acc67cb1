import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLlama } from '../src/lib/testing/find-llama.ts';
import { LlamaEngine } from '../src/lib/worker/llama-engine.ts';
import { atLeast, type BenchOptions, noted, type Row } from './rows.ts';
import { agentMessages, type ModelFiles, modelFiles, zipf } from './workload.ts';

const genomes = 50;
const coldRequests = 160;
const warmRequests = 80;

/** Layers and KV of many genomes on one base model, against switching adapters by hand without keeping KV. One thread. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  const llamaModule = findLlama(process.env);
  if (llamaModule === undefined) {
    log('node-llama-cpp is not installed: the figures of the local engine are not measured');
    return [];
  }
  return agentLoad(llamaModule, log);
}

/** Five conversations in memory and the rest in files: the same as in the measurement of memory. */
const slots = 5;

interface Took {
  readonly wall: number;
  /** Of the whole process, which does nothing else. */
  readonly cpu: number;
}

/** All three take turns, so that whatever else the machine does falls on each of them. Warm is when every genome was served before. */
async function agentLoad(llamaModule: string, log: BenchOptions['log']): Promise<Row[]> {
  const files = await modelFiles('134M', genomes);
  const stateFolder = await mkdtemp(join(tmpdir(), 'genie-bench-state-'));
  const open = (more: Partial<Parameters<typeof LlamaEngine.create>[0]>) =>
    LlamaEngine.create({ modelPath: files.model, threads: 1, contextTokens: 512, llamaModule, ...more });
  const ours = await open({ slots, maxLayers: 20, stateFolder });
  const bare = await open({ slots: 1 });
  const limit = await open({ slots: 1 });
  const cold: Took[] = [];
  const warm: Took[] = [];
  const bareCold: Took[] = [];
  const bareWarm: Took[] = [];
  const limitTook: Took[] = [];
  const order = zipf(genomes, coldRequests + warmRequests);
  await request(limit, files, 0, 0);
  for (const [index, genome] of order.slice(0, coldRequests).entries()) {
    if (index % 20 === 0) log(`cold request ${index} of ${coldRequests}`);
    cold.push(await request(ours, files, genome, index));
    if (index % 10 === 5) bareCold.push(await request(bare, files, genome, index, `${index} `));
  }
  for (let genome = 0; genome < genomes; genome += 1)
    if (!order.slice(0, coldRequests).includes(genome)) await request(ours, files, genome, genome);
  for (const [index, genome] of order.slice(coldRequests).entries()) {
    if (index % 20 === 0) log(`warm request ${index} of ${warmRequests}`);
    warm.push(await request(ours, files, genome, index));
    if (index % 13 === 6) bareWarm.push(await request(bare, files, genome, index, `${index} `));
    if (index % 4 === 2) limitTook.push(await request(limit, files, 0, index));
  }
  const { prefixHits, prefixMisses, prefixRestores, stateBytes } = ours.stats();
  log(`${prefixHits} prefixes known (${prefixRestores} from files of ${stateBytes} bytes), ${prefixMisses} not`);
  for (const engine of [ours, bare, limit]) await engine.close();
  await rm(stateFolder, { recursive: true, force: true });
  return agentRows({ cold, warm, bareCold, bareWarm, limit: limitTook });
}

function agentRows(
  took: Readonly<Record<'cold' | 'warm' | 'bareCold' | 'bareWarm' | 'limit', readonly Took[]>>,
): Row[] {
  const wall = (name: keyof typeof took) => mean(took[name].map((one) => one.wall));
  const cpu = (name: keyof typeof took) => mean(took[name].map((one) => one.cpu));
  const against = `agent load, ${slots} conversations in memory, against hot switching without KV`;
  return [
    noted('agent-load-bare', 'agent load, hot switching without KV', wall('bareWarm'), 'ms/request'),
    noted('agent-load-limit', 'agent load, one genome only', wall('limit'), 'ms/request'),
    atLeast(
      'agent-load-cold',
      `${against}, the first ${coldRequests} requests`,
      wall('bareCold') / wall('cold'),
      '×',
      2.5,
    ),
    atLeast('agent-load-warm', `${against}, once every genome was served`, wall('bareWarm') / wall('warm'), '×', 6),
    atLeast(
      'agent-load-share',
      'agent load, warm, share of the zero-switch limit',
      (100 * wall('limit')) / wall('warm'),
      '%',
      80,
    ),
    noted('agent-load-cold-cpu', 'the same cold, by CPU time', cpu('bareCold') / cpu('cold'), '×'),
    noted('agent-load-warm-cpu', 'the same warm, by CPU time', cpu('bareWarm') / cpu('warm'), '×'),
    noted('agent-load-share-cpu', 'the same share, by CPU time', (100 * cpu('limit')) / cpu('warm'), '%'),
  ];
}

/** One request: a prefix of 243 tokens for each genome, a short question, 8 tokens out. `unlike` at the start makes kept KV useless. */
async function request(
  engine: LlamaEngine,
  files: ModelFiles,
  genome: number,
  index: number,
  unlike = '',
): Promise<Took> {
  const layer = files.layers[genome];
  // Another question each time: an answer that was given before would be known to its end.
  const [system, user] = agentMessages(genome, `${String.fromCharCode(33 + (index % 94))}?`);
  const messages = [
    { role: 'system' as const, text: `${unlike}${system?.text ?? ''}`.slice(0, system?.text.length) },
    { role: 'user' as const, text: user?.text ?? '' },
  ];
  const layers = layer === undefined ? [] : [{ path: layer, weight: 1 }];
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await engine.run({ messages, layers, maxTokens: 8 }, () => {});
  const { user: inUser, system: inSystem } = process.cpuUsage(before);
  return { wall: performance.now() - startedAt, cpu: (inUser + inSystem) / 1_000 };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
