import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exactly, type Row } from '../bench/rows.ts';
import { type ModelFiles, modelFiles } from '../bench/workload.ts';
import { createDaemon } from '../src/lib/daemon/create-daemon.ts';
import type { DaemonOptions } from '../src/lib/daemon/daemon.ts';
import { findLlama } from '../src/lib/testing/find-llama.ts';
import { LlamaEngine } from '../src/lib/worker/llama-engine.ts';

interface SoakOptions {
  readonly trials: number;
  readonly log: (line: string) => void;
}

/**
 * The promises of the local engine and the daemon, over `trials` random steps: switches, evictions and restores change no token; kills lose no queued
 * request; streams lose no token; JSON under a grammar is always valid.
 */
export async function soak({ trials, log }: SoakOptions): Promise<Row[]> {
  const llamaModule = findLlama(process.env);
  if (llamaModule === undefined) {
    log('node-llama-cpp is not installed: nothing was tried');
    return [];
  }
  const files = await modelFiles('tiny', 8);
  const trial = { files, llamaModule, log, random: randomNumbers(7) };
  return [
    await tokenIdentity(trial, trials),
    await validJson(trial, Math.min(trials, 200)),
    await streams(trial, trials * 10),
    ...(await kills(trial, Math.min(trials, 100))),
  ];
}

interface Trial {
  readonly files: ModelFiles;
  readonly llamaModule: string;
  readonly log: SoakOptions['log'];
  readonly random: (below: number) => number;
}

async function tokenIdentity({ files, llamaModule, log, random }: Trial, steps: number): Promise<Row> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'genie-soak-state-'));
  const open = (more: Partial<Parameters<typeof LlamaEngine.create>[0]>) =>
    LlamaEngine.create({ modelPath: files.model, threads: 1, contextTokens: 512, llamaModule, ...more });
  const ask = async (engine: LlamaEngine, stack: readonly number[], question: number) => {
    let text = '';
    const layers = stack.map((index) => ({ path: files.layers[index] ?? '', weight: 1 }));
    const messages = [
      { role: 'system' as const, text: `You are the genie of ${stack.join(' and ')}, and cite your sources.` },
      { role: 'user' as const, text: `Question ${question}?` },
    ];
    await engine.run({ messages, layers, maxTokens: 12 }, (piece) => {
      text += piece;
    });
    return text;
  };
  const stacks: readonly (readonly number[])[] = [[], [0], [1], [2], [3], [4], [5], [0, 1], [2, 3], [6, 7]];
  const expected = new Map<string, string>();
  // One context at most, and another stack each time: every answer comes from a fresh one.
  const fresh = await open({ slots: 1, switching: 'contexts' });
  for (let question = 0; question < 4; question += 1)
    for (const stack of stacks) expected.set(JSON.stringify([stack, question]), await ask(fresh, stack, question));
  await fresh.close();
  const engine = await open({ slots: 3, maxLayers: 4, stateFolder });
  let different = 0;
  for (let step = 0; step < steps; step += 1) {
    if (step % 100 === 0) log(`token identity ${step} of ${steps}`);
    const stack = stacks[random(stacks.length)] ?? [];
    const question = random(4);
    if ((await ask(engine, stack, question)) !== expected.get(JSON.stringify([stack, question]))) different += 1;
  }
  const { prefixRestores, layerEvictions } = engine.stats();
  log(`${prefixRestores} restores, ${layerEvictions} layers evicted`);
  await engine.close();
  await rm(stateFolder, { recursive: true, force: true });
  return exactly(
    'soak-token-identity',
    `answers of ${steps} that differ from a fresh context after random switches, evictions and restores`,
    different,
    'answers',
    0,
  );
}

async function validJson({ files, llamaModule }: Trial, count: number): Promise<Row> {
  const engine = await LlamaEngine.create({ modelPath: files.model, threads: 1, contextTokens: 1_024, llamaModule });
  const schema = {
    type: 'object',
    properties: {
      steps: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: { text: { type: 'string', minLength: 1 }, tool: { enum: ['git_log', 'read_feed'] } },
          required: ['text'],
        },
      },
      size: { type: 'integer', minimum: 1, maximum: 99 },
    },
    required: ['steps', 'size'],
  } as const;
  let valid = 0;
  for (let seed = 0; seed < count; seed += 1) {
    let text = '';
    await engine.run(
      { messages: [{ role: 'user', text: 'Plan.' }], layers: [], maxTokens: 700, temperature: 1, seed, schema },
      (piece) => {
        text += piece;
      },
    );
    if (isPlan(text)) valid += 1;
  }
  await engine.close();
  return exactly(
    'soak-json',
    `answers of ${count} under a grammar that are valid JSON of the schema, random weights`,
    valid,
    'answers',
    count,
  );
}

function isPlan(text: string): boolean {
  try {
    const value = JSON.parse(text) as { steps: readonly { text: string; tool?: string }[]; size: number };
    const stepsAreValid =
      value.steps.length > 0 &&
      value.steps.every(
        (step) => step.text.length > 0 && (step.tool === undefined || ['git_log', 'read_feed'].includes(step.tool)),
      );
    return stepsAreValid && Number.isInteger(value.size) && value.size >= 1 && value.size <= 99;
  } catch {
    return false;
  }
}

function open({ files, llamaModule }: Trial, more: Partial<DaemonOptions> = {}) {
  return createDaemon({
    models: { tiny: files.model },
    threads: 1,
    contextTokens: 256,
    cache: { slots: 4 },
    llamaModule,
    ...more,
  });
}

async function streams(trial: Trial, count: number): Promise<Row> {
  const daemon = open(trial);
  const expected = new Map<number, string>();
  let broken = 0;
  for (let done = 0; done < count; done += 10) {
    if (done % 1_000 === 0) trial.log(`streams ${done} of ${count}`);
    await Promise.all(
      Array.from({ length: Math.min(10, count - done) }, async () => {
        const question = trial.random(20);
        let text = '';
        await daemon.request(
          { messages: [{ role: 'user', text: `Question ${question}?` }], maxTokens: 4 + question },
          { onText: (piece) => (text += piece) },
        );
        if (expected.has(question) && expected.get(question) !== text) broken += 1;
        expected.set(question, text);
      }),
    );
  }
  await daemon.close();
  return exactly('soak-streams', `streams of ${count} that lost or changed a token`, broken, 'streams', 0);
}

async function kills(trial: Trial, count: number): Promise<readonly Row[]> {
  let lost = 0;
  let broken = 0;
  let alive = 0;
  for (let done = 0; done < count; done += 4) {
    trial.log(`kills ${done} of ${count}`);
    // A worker that dies five times within a minute is given up, as it should be; so each daemon sees four.
    const daemon = open(trial);
    await daemon.ready();
    for (let kill = 0; kill < Math.min(4, count - done); kill += 1) {
      const work = Array.from({ length: 5 }, (_, index) => {
        let heard = false;
        return daemon
          .request(
            { messages: [{ role: 'user', text: `Question ${index}?` }], maxTokens: 40 },
            { onText: () => (heard = true) },
          )
          .then(
            () => 'ok',
            (error: { code?: string }) => (heard && error.code === 'GENIE_WORKER_CRASHED' ? 'told' : 'lost'),
          );
      });
      await new Promise((resolve) => setTimeout(resolve, trial.random(120)));
      const pid = daemon.metrics().workers[0]?.pid;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const results = await Promise.all(work);
      lost += results.filter((result) => result === 'lost').length;
      if (results.filter((result) => result === 'told').length > 1) broken += 1;
      alive += 1;
    }
    await daemon.close();
  }
  return [
    exactly('soak-kills', `kills of ${count} after which the daemon went on`, alive, 'kills', count),
    exactly('soak-lost', 'requests lost that nobody had begun to hear', lost, 'requests', 0),
    exactly('soak-told', 'kills that broke more than the one answer in flight', broken, 'kills', 0),
  ];
}

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}
