// One measurement in a process of its own, so that memory is that of this work alone. Prints one line of JSON.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { runLoop } from '@genie/core/loop';
import { bareLoopOnStreams } from './bare-loop.ts';
import { lookUpTool, workloadModel } from './workload.ts';

const tools = [lookUpTool('read')];
const { signal } = new AbortController();
const emit = () => undefined;

const measurements = { floor: together(floorRun), loop: together(loopRun), read: together(readRun), heap };
const name = process.argv[2] as keyof typeof measurements;
process.stdout.write(`${JSON.stringify(await measurements[name]())}\n`);

type Model = ReturnType<typeof workloadModel>;

function floorRun(model: Model): Promise<unknown> {
  return bareLoopOnStreams(model, emit, signal);
}

function loopRun(model: Model): Promise<unknown> {
  return runLoop({ model, prompt: 'go', tools, signal, onEvent: emit }).result;
}

async function readRun(model: Model): Promise<unknown> {
  const handle = runLoop({ model, prompt: 'go', tools, signal });
  for await (const event of handle) void event;
  return handle.result;
}

/** 1,000 runs at once of 10 steps with a model that takes 5 ms. Runs one after the other have warmed the engine, not the heap. */
function together(run: (model: Model) => Promise<unknown>) {
  return async () => {
    const quick = workloadModel({ steps: 9 });
    for (let time = 0; time < 300; time += 1) await run(quick);
    const model = workloadModel({ steps: 9, delayMs: 5 });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 1_000 }, () => run(model)));
    const wallMs = performance.now() - startedAt;
    delay.disable();
    return { wallMs, maxBlockMs: delay.max / 1e6, maxRssMb: process.resourceUsage().maxRSS / 1024 };
  };
}

/** What stays of a run: the slope of the heap over 10,000 runs after a warm-up, and how much the process grew. */
async function heap() {
  const model = workloadModel({ steps: 5 });
  const samples: { readonly runs: number; readonly bytes: number }[] = [];
  let rssAtStart = 0;
  for (let run = 0; run <= 12_000; run += 1) {
    await runLoop({ model, prompt: 'go', tools, onEvent: emit }).result;
    if (run < 2_000 || run % 500 !== 0) continue;
    collectGarbage();
    if (run === 2_000) rssAtStart = process.memoryUsage.rss();
    samples.push({ runs: run, bytes: process.memoryUsage().heapUsed });
  }
  return { slopeBytes: slope(samples), rssGrowthMb: (process.memoryUsage.rss() - rssAtStart) / 2 ** 20 };
}

function collectGarbage(): void {
  if (!globalThis.gc) throw new Error('This needs node --expose-gc.');
  for (let time = 0; time < 3; time += 1) globalThis.gc();
}

/** Least squares. */
function slope(samples: readonly { readonly runs: number; readonly bytes: number }[]): number {
  const meanRuns = samples.reduce((sum, sample) => sum + sample.runs, 0) / samples.length;
  const meanBytes = samples.reduce((sum, sample) => sum + sample.bytes, 0) / samples.length;
  let above = 0;
  let below = 0;
  for (const { runs, bytes } of samples) {
    above += (runs - meanRuns) * (bytes - meanBytes);
    below += (runs - meanRuns) ** 2;
  }
  return above / below;
}
