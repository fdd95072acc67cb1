import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLlama } from '../src/lib/testing/find-llama.ts';
import { LlamaEngine } from '../src/lib/worker/llama-engine.ts';
import { atLeast, type BenchOptions, median, noted, type Row } from './rows.ts';
import { agentMessages, type ModelFiles, modelFiles, zipf } from './workload.ts';

const genomes = 50;
const slots = 20;

/** Layers and KV of many genomes on one base model, against switching adapters by hand without keeping KV. One thread. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  const llamaModule = findLlama(process.env);
  if (llamaModule === undefined) {
    log('node-llama-cpp is not installed: the figures of the local engine are not measured');
    return [];
  }
  return [...(await agentLoad(llamaModule, log)), ...(await adapterOnly(llamaModule, log))];
}

async function agentLoad(llamaModule: string, log: BenchOptions['log']): Promise<Row[]> {
  const files = await modelFiles('134M', genomes);
  const stateFolder = await mkdtemp(join(tmpdir(), 'genie-bench-state-'));
  try {
    log('hot switching without KV …');
    const bare = await timeRequests({
      llamaModule,
      files,
      requests: zipf(genomes, 8),
      engine: { slots: 1 },
      forgets: true,
    });
    log(`${bare.perRequestMs.toFixed(0)} ms a request; the zero-switch limit …`);
    const limit = await timeRequests({
      llamaModule,
      files,
      requests: Array.from({ length: 24 }, () => 0),
      engine: { slots: 1 },
      skip: 2,
    });
    log(`${limit.perRequestMs.toFixed(0)} ms a request; cold, then warm …`);
    const requests = zipf(genomes, 260);
    const ours = await timeRequests({
      llamaModule,
      files,
      requests,
      engine: { slots, maxLayers: 20, stateFolder },
      split: 160,
    });
    const cold = bare.perRequestMs / ours.perRequestMs;
    const warm = bare.perRequestMs / ours.laterMs;
    return [
      noted('agent-load-bare', 'agent load, hot switching without KV', bare.perRequestMs, 'ms/request'),
      atLeast(
        'agent-load-cold',
        'agent load, 160 requests from cold, against hot switching without KV',
        cold,
        '×',
        2.5,
      ),
      atLeast('agent-load-warm', 'agent load, the next 100 requests, against hot switching without KV', warm, '×', 6),
      atLeast(
        'agent-load-share',
        'agent load, warm, share of the zero-switch limit',
        (100 * limit.perRequestMs) / ours.laterMs,
        '%',
        80,
      ),
    ];
  } finally {
    await rm(stateFolder, { recursive: true, force: true });
  }
}

/** No prefix to keep: each request is short, so only the switch itself could cost. */
async function adapterOnly(llamaModule: string, log: BenchOptions['log']): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, reach, count] of [
    ['134M', 95, 24],
    ['tiny', 75, 300],
  ] as const) {
    log(`adapter switches, ${name} …`);
    const files = await modelFiles(name, 12);
    const run = (requests: readonly number[]) =>
      timeRequests({ llamaModule, files, requests, engine: { slots: 1 }, forgets: true, short: true, skip: 4 });
    const still = await run(Array.from({ length: count }, () => 0));
    const switching = await run(Array.from({ length: count }, (_, index) => index % 12));
    rows.push(
      atLeast(
        `adapter-switch-${name}`,
        `adapter-only throughput against zero switch, ${name}`,
        (100 * still.medianMs) / switching.medianMs,
        '%',
        reach,
      ),
    );
  }
  return rows;
}

interface Timing {
  readonly perRequestMs: number;
  /** After `split`. */
  readonly laterMs: number;
  readonly medianMs: number;
}

async function timeRequests(run: {
  readonly llamaModule: string;
  readonly files: ModelFiles;
  readonly requests: readonly number[];
  readonly engine: Partial<Parameters<typeof LlamaEngine.create>[0]>;
  readonly split?: number;
  /** Requests at the start that do not count. */
  readonly skip?: number;
  /** Each request has a prefix of its own, so that no KV is of use. */
  readonly forgets?: boolean;
  readonly short?: boolean;
}): Promise<Timing> {
  const engine = await LlamaEngine.create({
    modelPath: run.files.model,
    threads: 1,
    contextTokens: 512,
    llamaModule: run.llamaModule,
    ...run.engine,
  });
  const times: number[] = [];
  for (const [index, genome] of run.requests.entries()) {
    const layer = run.files.layers[genome];
    const unlike = run.forgets ? `${String.fromCharCode(65 + (index % 26))}${index} ` : '';
    const [system, user] = agentMessages(genome, `Question ${index % 7}?`);
    const messages = run.short
      ? [{ role: 'user' as const, text: `${unlike}?` }]
      : [
          { ...system, role: 'system' as const, text: `${unlike}${system?.text}`.slice(0, system?.text.length) },
          { role: 'user' as const, text: user?.text ?? '' },
        ];
    const startedAt = performance.now();
    await engine.run(
      { messages, layers: layer === undefined ? [] : [{ path: layer, weight: 1 }], maxTokens: 8 },
      () => {},
    );
    times.push(performance.now() - startedAt);
  }
  await engine.close();
  const counted = times.slice(run.skip ?? 0, run.split);
  return {
    perRequestMs: mean(counted),
    laterMs: mean(times.slice(run.split ?? times.length)),
    medianMs: median(counted),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
