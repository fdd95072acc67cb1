import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal } from '@genie/core/journal';
import { openJournal } from '@genie/core/journal';
import { runLoop } from '@genie/core/loop';
import type { ToolEffect } from '@genie/core/ports';
import { atLeast, atMost, info, interleave, median, type Row, ratio, wallPerUnit } from './rounds.ts';
import { lookUpTool, toolSteps, workloadModel } from './workload.ts';

interface Options {
  readonly log: (line: string) => void;
}

const folder = fs.mkdtempSync(join(tmpdir(), 'genie-bench-'));
let folders = 0;
let runIds = 0;

/** What durability costs: time a step over the same loop without a journal, and bytes. */
export async function bench({ log }: Options): Promise<Row[]> {
  log(`wall time a step, medians of interleaved rounds, in ${folder}`);
  try {
    return [
      ...(await processSteps()),
      ...(await powerSteps()),
      ...(await powerWithModel()),
      ...(await powerTogether()),
      ...(await bytes()),
    ];
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function processSteps(): Promise<Row[]> {
  const journal = open('process');
  const model = workloadModel();
  const each = 50;
  const steps = each * (toolSteps + 1);
  const loops = (effect: ToolEffect, durable?: Journal) => () =>
    wallPerUnit(steps, () => repeat(each, () => loop({ model, effect, journal: durable })));
  const bare = bareFile();
  const times = await interleave(25, {
    plain: loops('idempotent'),
    read: loops('read', journal),
    idempotent: loops('idempotent', journal),
    once: loops('once', journal),
    append: () => wallPerUnit(steps, async () => bare.append(steps)),
  });
  bare.close();
  await journal.close();
  const added = (name: 'read' | 'idempotent' | 'once') =>
    median(times[name].map((value, index) => value - (times.plain[index] ?? 0)));
  return [
    info('core.journal.bare-append', 'bare append of 300 bytes', median(times.append), 'µs'),
    atMost(
      'core.journal.process-step',
      'durable step ("process") over the same loop without a journal',
      added('idempotent'),
      'µs',
      20,
    ),
    atMost(
      'core.journal.process-step-once',
      'the same with a "once" tool, whose intent is recorded too',
      added('once'),
      'µs',
      20,
    ),
    info('core.journal.process-step-read', 'the same with a "read" tool', added('read'), 'µs'),
  ];
}

async function powerSteps(): Promise<Row[]> {
  const journal = open('power');
  const model = workloadModel();
  const steps = toolSteps + 1;
  const bare = bareFile();
  const times = await interleave(40, {
    disk: () => wallPerUnit(steps, () => bare.appendAndSync(steps)),
    idempotent: () => wallPerUnit(steps, () => loop({ model, effect: 'idempotent', journal })),
    once: () => wallPerUnit(steps, () => loop({ model, effect: 'once', journal })),
  });
  bare.close();
  await journal.close();
  return [
    info('core.journal.disk-sync', 'append + fdatasync of this disk', median(times.disk), 'µs'),
    atMost(
      'core.journal.power-step',
      'durable step ("power"), one run, against append + fdatasync',
      ratio(times.idempotent, times.disk),
      '×',
      2,
    ),
    atMost('core.journal.power-step-once', 'the same with a "once" tool', ratio(times.once, times.disk), '×', 2),
  ];
}

async function powerWithModel(): Promise<Row[]> {
  const journal = open('power');
  const model = workloadModel({ steps: 10, delayMs: 20 });
  const bare = bareFile();
  const times = await interleave(11, {
    waiting: () => wallPerUnit(11, () => bare.waitAndAppend(11, 20, false)),
    syncing: () => wallPerUnit(11, () => bare.waitAndAppend(11, 20, true)),
    plain: () => wallPerUnit(11, () => loop({ model, effect: 'idempotent' })),
    durable: () => wallPerUnit(11, () => loop({ model, effect: 'idempotent', journal })),
  });
  bare.close();
  await journal.close();
  const added = (durable: readonly number[], plain: readonly number[]) =>
    median(durable.map((value, index) => value - (plain[index] ?? 0)));
  return [
    info(
      'core.journal.disk-sync-after-20ms',
      'by hand: append + fdatasync after a pause of 20 ms, over the pause',
      added(times.syncing, times.waiting),
      'µs',
    ),
    atMost(
      'core.journal.power-model-20ms',
      'durable step ("power") with a 20 ms model, over the same without a journal',
      added(times.durable, times.plain),
      'µs',
      500,
    ),
  ];
}

async function powerTogether(): Promise<Row[]> {
  const journal = open('power');
  const model = workloadModel({ steps: 10, delayMs: 5 });
  const rates: number[] = [];
  for (let round = 0; round < 9; round += 1) {
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 1_000 }, () => loop({ model, effect: 'idempotent', journal })));
    if (round > 1) rates.push(11_000 / ((performance.now() - startedAt) / 1000));
  }
  await journal.close();
  return [
    atLeast('core.journal.power-together', '1,000 runs at once, 5 ms model, "power"', median(rates), 'steps/s', 30_000),
  ];
}

async function bytes(): Promise<Row[]> {
  const journal = open('process', 1e9);
  const sizes: number[] = [];
  const model = workloadModel({ steps: 500, onCall: () => sizes.push(fs.statSync(segments()[0] ?? '').size) });
  await loop({ model, effect: 'once', journal });
  await journal.close();
  const spent = (from: number) => ((sizes[from + 50] ?? 0) - (sizes[from] ?? 0)) / 50;
  // What the model wrote and the tool returned, as JSON.
  const payload =
    JSON.stringify({ key: 'item-400', page: 400 }).length +
    JSON.stringify({ key: 'item-400', page: 400, title: 'An entry of the catalogue', found: true }).length;
  return [
    atMost(
      'core.journal.bytes-per-step',
      'bytes a step beside the payload, a "once" tool',
      spent(445) - payload,
      'B',
      600,
    ),
    atMost(
      'core.journal.bytes-growth',
      '500-step run: bytes of the last 50 steps against the first 50',
      spent(445) / spent(1),
      '×',
      1.05,
    ),
    info('core.journal.segments', 'files of that run', segments().length, 'files'),
  ];
}

/** Paths of the journal's files. */
function segments(): string[] {
  const names = fs.readdirSync(lastFolder()).filter((name) => name.endsWith('.gj'));
  return names.sort().map((name) => join(lastFolder(), name));
}

function lastFolder(): string {
  return join(folder, `journal-${folders}`);
}

function open(durability: 'process' | 'power', segmentBytes?: number): Journal {
  folders += 1;
  return openJournal({ dir: lastFolder(), durability, ...(segmentBytes ? { segmentBytes } : {}) });
}

async function loop({
  model,
  effect,
  journal,
}: {
  readonly model: ReturnType<typeof workloadModel>;
  readonly effect: ToolEffect;
  readonly journal?: Journal | undefined;
}): Promise<void> {
  runIds += 1;
  const { finish } = await runLoop({
    model,
    prompt: 'go',
    tools: [tools[effect]],
    runId: `run_${runIds}`,
    ...(journal ? { journal } : {}),
  }).result;
  if (finish.reason !== 'stop') throw new Error(`the loop ended with ${JSON.stringify(finish)}`);
}

const tools = { read: lookUpTool('read'), idempotent: lookUpTool('idempotent'), once: lookUpTool('once') };

/** Appending to a file without a journal around it. */
function bareFile() {
  folders += 1;
  const descriptor = fs.openSync(join(folder, `bare-${folders}`), 'w');
  const bytes = Buffer.alloc(300, 'x');
  let size = 0;
  const write = () => {
    size += fs.writeSync(descriptor, bytes, 0, bytes.length, size);
  };
  const sync = () =>
    new Promise<void>((resolve, reject) => fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve())));
  return {
    append(times: number): void {
      for (let time = 0; time < times; time += 1) write();
    },
    async appendAndSync(times: number): Promise<void> {
      for (let time = 0; time < times; time += 1) {
        write();
        await sync();
      }
    },
    /** What a model costs that takes so long, with and without the disk. */
    async waitAndAppend(times: number, delayMs: number, isSynced: boolean): Promise<void> {
      for (let time = 0; time < times; time += 1) {
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        write();
        if (isSynced) await sync();
      }
    },
    close: () => fs.closeSync(descriptor),
  };
}

async function repeat(times: number, work: () => Promise<void>): Promise<void> {
  for (let time = 0; time < times; time += 1) await work();
}
