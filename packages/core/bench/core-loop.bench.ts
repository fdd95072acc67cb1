import type { LanguageModelV4StreamPart as ModelStreamPart } from '@ai-sdk/provider';
import { createGenie } from '@genie/core';
import { createMemoryJournal } from '@genie/core/journal';
import { runLoop } from '@genie/core/loop';
import { createVolatileMemory, createVolatileMetrics } from '@genie/core/testing';
import { bareLoop, bareLoopOnStreams, bareLoopWithEvents } from './bare-loop.ts';
import { atMost, cpuPerUnit, info, interleave, median, quantile, type Row, ratio } from './rounds.ts';
import { lookUpTool, toolSteps, workloadModel } from './workload.ts';

interface Options {
  readonly log: (line: string) => void;
}

const runs = 150;
const rounds = 25;
const steps = (toolSteps + 1) * runs;

/** What a step costs on the main thread, against loops written by hand and measured in the same rounds. */
export async function bench({ log }: Options): Promise<Row[]> {
  log(`CPU a step, medians of ${rounds} interleaved rounds of ${runs} runs with ${toolSteps} tool steps`);
  const rows = [
    ...(await generated()),
    ...(await streamed()),
    ...(await chunks()),
    ...(await longRun()),
    ...(await wholeRun()),
  ];
  log(`${heard} events were heard`);
  return rows;
}

const { signal } = new AbortController();
const tools = [lookUpTool('read')];
/** Counts what is heard, so that no engine can leave the work out. */
let heard = 0;
const emit = () => {
  heard += 1;
};

async function generated(): Promise<Row[]> {
  const model = workloadModel();
  const times = await interleave(rounds, {
    bare: () => cpuPerUnit(steps, () => repeat(runs, () => bareLoop(model))),
    events: () => cpuPerUnit(steps, () => repeat(runs, () => bareLoopWithEvents(model, emit, signal))),
    loop: () =>
      cpuPerUnit(steps, () =>
        repeat(runs, () => runLoop({ model, prompt: 'go', tools, signal, onEvent: emit }).result),
      ),
  });
  return [
    info('core.loop.bare-cpu', 'bare loop by hand, CPU a step', median(times.bare), 'µs'),
    info('core.loop.bare-events-cpu', 'bare loop with events, abort, usage and records', median(times.events), 'µs'),
    info('core.loop.step-cpu-us', 'runLoop, CPU a step, events emitted', median(times.loop), 'µs'),
    atMost(
      'core.loop.step-cpu',
      'runLoop against the bare loop with events',
      ratio(times.loop, times.events),
      '×',
      3.4,
    ),
  ];
}

async function streamed(): Promise<Row[]> {
  const stamps: number[] = [];
  const model = workloadModel({ onCall: () => stamps.push(performance.now()) });
  const read = async () => {
    const handle = runLoop({ model, prompt: 'go', tools, signal });
    for await (const event of handle) heard += event.at;
  };
  const times = await interleave(rounds, {
    floor: () => cpuPerUnit(steps, () => repeat(runs, () => bareLoopOnStreams(model, emit, signal))),
    loop: () => cpuPerUnit(steps, () => repeat(runs, read)),
  });
  const slowest: number[] = [];
  for (let batch = 0; batch < rounds; batch += 1) {
    stamps.length = 0;
    await repeat(runs, read);
    slowest.push(
      quantile(
        stamps.slice(1).map((stamp, index) => (stamp - (stamps[index] ?? 0)) * 1000),
        0.99,
      ),
    );
  }
  return [
    info(
      'core.loop.floor-cpu',
      'floor: bare loop with events on AI SDK streams, CPU a step',
      median(times.floor),
      'µs',
    ),
    info('core.loop.stream-step-cpu-us', 'runLoop streamed, every event read, CPU a step', median(times.loop), 'µs'),
    atMost('core.loop.stream-step-cpu', 'runLoop streamed against the floor', ratio(times.loop, times.floor), '×', 2.7),
    atMost(
      'core.loop.step-p99',
      'streamed step, 99th percentile of wall time, median of 25 batches',
      median(slowest),
      'µs',
      30,
    ),
  ];
}

async function chunks(): Promise<Row[]> {
  const count = 20_000;
  const sentAt: number[] = [];
  const chunked = (isStamped: boolean) => {
    let sent = -1;
    const source = {
      pull(controller: ReadableStreamDefaultController<ModelStreamPart>) {
        sent += 1;
        if (sent === count) {
          controller.enqueue({ type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage: noUsage });
          controller.close();
          return;
        }
        if (isStamped) sentAt.push(performance.now());
        controller.enqueue({ type: 'text-delta', id: '1', delta: 'word ' });
      },
    };
    // Without a queue each chunk is made when it is asked for, so that waiting in line is not measured.
    return new ReadableStream<ModelStreamPart>(source, { highWaterMark: isStamped ? 0 : 1 });
  };
  const drain = async () => {
    const reader = chunked(false).getReader();
    while (!(await reader.read()).done) heard += 1;
  };
  const model = { ...workloadModel(), doStream: async () => ({ stream: chunked(false) }) };
  const read = async () => {
    for await (const event of runLoop({ model, prompt: 'go' })) heard += event.at;
  };
  const times = await interleave(rounds, {
    bare: () => cpuPerUnit(count, drain),
    loop: () => cpuPerUnit(count, read),
  });
  const bareLatencies: number[] = [];
  const bareReader = chunked(true).getReader();
  while (!(await bareReader.read()).done)
    bareLatencies.push((performance.now() - (sentAt[bareLatencies.length] ?? 0)) * 1000);
  sentAt.length = 0;
  const latencies: number[] = [];
  const stamped = { ...model, doStream: async () => ({ stream: chunked(true) }) };
  for await (const event of runLoop({ model: stamped, prompt: 'go' })) {
    if (event.type === 'text.delta') latencies.push((performance.now() - (sentAt[latencies.length] ?? 0)) * 1000);
  }
  const added = median(times.loop.map((value, index) => value - (times.bare[index] ?? 0)));
  return [
    atMost('core.stream.chunk-cpu', 'CPU a text chunk over reading the bare stream', added, 'µs', 1),
    info('core.stream.chunk-cpu-total', 'the same, the stream itself included', median(times.loop), 'µs'),
    atMost(
      'core.stream.chunk-latency',
      'from the model’s chunk to the consumer, median, over a bare reader',
      median(latencies) - median(bareLatencies),
      'µs',
      1,
    ),
    info('core.stream.chunk-latency-total', 'the same, the stream itself included', median(latencies), 'µs'),
  ];
}

async function longRun(): Promise<Row[]> {
  const count = 500;
  const stamps: number[] = [];
  const model = workloadModel({ steps: count, onCall: () => stamps.push(performance.now()) });
  const spent = (from: number) => (stamps[from + 50] ?? 0) - (stamps[from] ?? 0);
  const first: number[] = [];
  const last: number[] = [];
  for (let round = 0; round < rounds * 4; round += 1) {
    stamps.length = 0;
    await runLoop({ model, prompt: 'go', tools }).result;
    first.push(spent(0));
    last.push(spent(count - 50));
  }
  const grown = median(last) / median(first);
  return [
    atMost(
      'core.loop.long-run',
      '500-step run: its last 50 steps against its first 50, median of 100 runs',
      grown,
      '×',
      1.2,
    ),
  ];
}

async function wholeRun(): Promise<Row[]> {
  const model = workloadModel();
  const genie = createGenie({
    goal: 'Look entries up',
    model,
    tools,
    memory: createVolatileMemory(),
    metrics: createVolatileMetrics(),
    journal: createMemoryJournal(),
  });
  const each = 30;
  const times = await interleave(rounds, {
    genie: () => cpuPerUnit(each * (toolSteps + 1), () => repeat(each, () => genie.run().outcome)),
  });
  await genie.close();
  return [
    atMost(
      'core.genie.step-cpu',
      'createGenie().run() with memory and metrics, CPU a step',
      median(times.genie),
      'µs',
      40,
    ),
  ];
}

const noUsage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let time = 0; time < times; time += 1) await work();
}
