import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createDaemon } from '../src/lib/daemon/create-daemon.ts';
import type { Daemon } from '../src/lib/daemon/daemon.ts';
import { createEmbedder } from '../src/lib/embedder/create-embedder.ts';
import { findLlama } from '../src/lib/testing/find-llama.ts';
import { atMost, type BenchOptions, exactly, median, quantile, type Row } from './rows.ts';
import { modelFiles } from './workload.ts';

/** The daemon under aborts, kills and load. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  const llamaModule = findLlama(process.env);
  if (llamaModule === undefined) {
    log('node-llama-cpp is not installed: the figures of the daemon are not measured');
    return [];
  }
  log('aborts …');
  const aborts = await aborted(llamaModule);
  log('kills …');
  const kills = [...(await killed(llamaModule, false)), ...(await killed(llamaModule, true))];
  log('streams …');
  return [...aborts, ...kills, ...(await streamed(llamaModule))];
}

async function open(llamaModule: string, name: 'tiny' | '134M', standby = false): Promise<Daemon> {
  const files = await modelFiles(name, 0);
  const daemon = createDaemon({
    models: { base: files.model },
    threads: 1,
    contextTokens: 512,
    cache: { slots: 4 },
    llamaModule,
    standby,
  });
  await daemon.ready();
  return daemon;
}

const say = (text: string, maxTokens: number) => ({ messages: [{ role: 'user' as const, text }], maxTokens });

async function aborted(llamaModule: string): Promise<Row[]> {
  const daemon = await open(llamaModule, '134M');
  const settled: number[] = [];
  for (let index = 0; index < 40; index += 1) {
    const controller = new AbortController();
    let abortedAt = 0;
    const work = daemon.request(say(`question ${index}`, 200), { signal: controller.signal }).catch(() => undefined);
    setTimeout(
      () => {
        abortedAt = performance.now();
        controller.abort();
      },
      30 + (index % 10) * 15,
    );
    await work;
    settled.push(performance.now() - abortedAt);
  }
  await daemon.close();
  return [
    atMost('abort-median', 'abort to settled, median, 134M', median(settled), 'ms', 10),
    atMost('abort-p99', 'abort to settled, p99, 134M', quantile(settled, 0.99), 'ms', 30),
  ];
}

/** A spare has the time to get ready: workers do not die in the second in which they started. */
const standbyMs = 3_000;

async function killed(llamaModule: string, standby: boolean): Promise<Row[]> {
  const daemon = await open(llamaModule, '134M', standby);
  const ready: number[] = [];
  let lost = 0;
  // Five crashes within a minute would give the worker up.
  for (let round = 0; round < 4; round += 1) {
    if (standby) await new Promise((resolve) => setTimeout(resolve, standbyMs));
    const work = Array.from({ length: 3 }, (_, index) =>
      daemon.request(say(`${round} ${index}`, 2)).then(
        () => 'ok',
        (error: { code?: string }) => error.code,
      ),
    );
    const killedAt = performance.now();
    process.kill(daemon.metrics().workers[0]?.pid ?? 0, 'SIGKILL');
    while (daemon.metrics().workers[0]?.restarts === round || daemon.metrics().workers[0]?.status === 'starting')
      await new Promise((resolve) => setTimeout(resolve, 2));
    ready.push(performance.now() - killedAt);
    lost += (await Promise.all(work)).filter((code) => code !== 'ok').length;
  }
  await daemon.close();
  return [
    atMost(
      standby ? 'kill-to-ready-standby' : 'kill-to-ready',
      `SIGKILL of a worker to its replacement being ready, 134M, ${standby ? 'with a spare process, ' : ''}median`,
      median(ready),
      'ms',
      2_000,
    ),
    exactly(
      standby ? 'kill-lost-standby' : 'kill-lost',
      'requests lost by kills before they were answered',
      lost,
      'requests',
      0,
    ),
  ];
}

async function streamed(llamaModule: string): Promise<Row[]> {
  const daemon = await open(llamaModule, 'tiny');
  const embedder = createEmbedder('hash', { cacheEntries: 0 });
  const expected = new Map<number, string>();
  let lost = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let index = 0; index < 400; index += 1) {
    const question = index % 20;
    let text = '';
    const work = daemon.request(say(`question ${question}`, 40), { onText: (piece) => (text += piece) });
    await embedder.embed(Array.from({ length: 8 }, (_, part) => `text ${index} ${part} about journals and leases`));
    await work;
    const known = expected.get(question);
    if (known === undefined) expected.set(question, text);
    else if (known !== text) lost += 1;
  }
  delay.disable();
  await daemon.close();
  return [
    exactly('streams-broken', 'streams of 400 that lost or changed a token', lost, 'streams', 0),
    atMost(
      'loop-delay',
      'event loop delay p99 of the main process while generating and embedding (1 ms timer resolution included)',
      delay.percentile(99) / 1e6,
      'ms',
      10,
    ),
  ];
}
