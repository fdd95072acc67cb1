import * as fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createGenie } from './create-genie.ts';
import type { RunEvent } from './events/genie-event.ts';
import type { GenieOptions, RunHandle } from './genie.ts';
import { openJournal } from './journal/file-journal.ts';
import { createMemoryJournal } from './journal/memory-journal.ts';
import type { MemoryPort } from './ports/memory.ts';
import type { MetricsPort } from './ports/metrics.ts';
import { fixedClock } from './testing/fixed-clock.ts';
import { type ScriptedAnswer, scriptedModel } from './testing/scripted-model.ts';
import { createVolatileMemory } from './testing/volatile-memory.ts';
import { createVolatileMetrics } from './testing/volatile-metrics.ts';
import { defineTool } from './tool/define-tool.ts';

const briefing = '## News of the day\n- The roof is new ([the letter](/letters/1.txt), 2026-01-02)\n- The cat is well';
const phases = ['wake', 'remember', 'plan', 'execute', 'measure', 'memorize', 'report', 'sleep'];

describe('a run of a genie', () => {
  it('passes the eight phases in order and reports a briefing', async () => {
    const metrics = createVolatileMetrics();
    await metrics.define([
      { id: 'items', name: 'Items', unit: 'items', direction: 'up', target: 2, probe: { kind: 'run', count: 'items' } },
    ]);
    const genie = open({ memory: createVolatileMemory(), metrics, validateEvents: true });
    const handle = genie.run();
    const events = await read(handle);
    expect(events.flatMap((event) => (event.type === 'phase.started' ? [event.phase] : []))).toEqual(phases);
    expect(await handle.outcome).toMatchObject({
      status: 'completed',
      claim: 'achieved',
      steps: 1,
      verdict: { outcome: 'achieved', readings: [{ kpiId: 'items', value: 2, status: 'met', grade: 'measured' }] },
      briefing: {
        title: 'News of the day',
        items: [
          { text: 'The roof is new', citations: [{ location: '/letters/1.txt', date: '2026-01-02' }] },
          { text: 'The cat is well' },
        ],
      },
    });
    expect(events.at(0)).toMatchObject({ type: 'run.started', goal: 'Keep me posted' });
    expect(events.at(-1)).toMatchObject({ type: 'run.ended', status: 'completed' });
  });

  it('remembers what earlier runs found', async () => {
    const { genie, model } = withModel([{ text: briefing }], { memory: createVolatileMemory() });
    await genie.run().outcome;
    await genie.chat('How is the cat?').outcome;
    expect(JSON.stringify(model.requests[1]?.prompt)).toContain('- The cat is well');
    expect(JSON.stringify(model.requests[1]?.prompt)).toContain('# Message\\nHow is the cat?');
  });

  it('plans as often as it is told, with the planning model', async () => {
    for (const [planning, plans] of [
      ['none', 0],
      ['once', 1],
      ['every-run', 2],
    ] as const) {
      const planner = scriptedModel([{ text: '```json\n{"steps":[{"text":"Read the letters"}]}\n```' }]);
      const execution = scriptedModel([{ text: briefing }]);
      const genie = open({ models: { planning: planner, execution }, planning, memory: createVolatileMemory() });
      await genie.run().outcome;
      const { plan } = await genie.run().outcome;
      expect(planner.requests).toHaveLength(plans);
      expect(plan).toEqual(planning === 'none' ? [] : ['Read the letters']);
    }
  });

  it('is skipped by the wake gate without any model call, and wakes when the gate breaks', async () => {
    const { genie, model } = withModel([{ text: briefing }], {
      wakeGate: async ({ trigger }) => ({ wake: trigger.kind !== 'schedule', reason: 'nothing new' }),
    });
    const handle = genie.run({ kind: 'schedule', dueAt: 1 });
    const events = await read(handle);
    expect(await handle.outcome).toMatchObject({ status: 'skipped', reason: 'nothing new', steps: 0 });
    expect(model.requests).toHaveLength(0);
    expect(events.flatMap((event) => (event.type === 'phase.started' ? [event.phase] : []))).toEqual(['wake', 'sleep']);
    const broken = open({ wakeGate: () => Promise.reject(new Error('the gate fell off')) });
    expect((await broken.run().outcome).status).toBe('completed');
  });

  it('keeps a source’s cursor only when it succeeded', async () => {
    const memory = createVolatileMemory();
    const readSource = defineTool({
      name: 'read-source',
      description: 'x',
      effect: 'read',
      input: z.object({}),
      run: () => ({ source: { kind: 'feed', location: 'https://example.com/f' }, cursor: 'entry-9' }),
    });
    const script = [{ calls: [{ tool: 'read-source', input: {} }] }, { text: 'broken off', finish: 'length' as const }];
    await open({ model: scriptedModel(script), tools: [readSource], memory }).run().outcome;
    expect(await memory.working.get('cursors')).toBeUndefined();
    await open({
      model: scriptedModel([script[0] as ScriptedAnswer, { text: briefing }]),
      tools: [readSource],
      memory,
    }).run().outcome;
    expect(await memory.working.get('cursors')).toEqual({ 'feed:https://example.com/f': 'entry-9' });
  });

  it('is made once for one run id, whatever happens', async () => {
    const { genie, model } = withModel([{ text: briefing }]);
    const first = await genie.run({ kind: 'manual' }, { runId: 'wake-7' }).outcome;
    const second = await genie.run({ kind: 'manual' }, { runId: 'wake-7' }).outcome;
    expect(second).toEqual(JSON.parse(JSON.stringify(first)));
    expect(model.requests).toHaveLength(1);
  });

  it('works in time that goes backwards', async () => {
    const clock = fixedClock();
    const { genie } = withModel(
      (_request, index) => {
        clock.jumpTo(clock.now() - 3_600_000);
        return index === 0 ? { calls: [{ tool: 'note', input: {} }] } : { text: briefing };
      },
      { clock, tools: [note()], validateEvents: true, home: folder() },
    );
    const outcomes = [await genie.run().outcome, await genie.run().outcome];
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['completed', 'completed']);
    expect((await genie.journal.list()).map((run) => run.status)).toEqual(['closed', 'closed']);
  });
});

describe('a run that cannot go on', () => {
  it.each<[string, () => Partial<GenieOptions>]>([
    ['memory that cannot remember', () => ({ memory: failing(createVolatileMemory(), 'enrich') })],
    ['memory that cannot learn', () => ({ memory: failing(createVolatileMemory(), 'learn') })],
    ['metrics that cannot measure', () => ({ metrics: failing(createVolatileMetrics(), 'measure') })],
  ])('fails with the reason and stays resumable: %s', async (_what, options) => {
    const journal = createMemoryJournal();
    const { genie, model } = withModel([{ text: briefing }], { ...options(), journal });
    const failed = await genie.run({ kind: 'manual' }, { runId: 'run_1' }).outcome;
    expect(failed).toMatchObject({ status: 'failed', error: { message: 'it broke' } });
    const calls = model.requests.length;
    const healed = open({ model, journal, memory: createVolatileMemory(), metrics: createVolatileMetrics() });
    expect(await healed.resume('run_1').outcome).toMatchObject({ status: 'completed' });
    expect(model.requests).toHaveLength(1);
    expect(calls).toBeLessThanOrEqual(1);
  });

  it('fails as an outcome when the model fails', async () => {
    const outcome = await open({ model: scriptedModel([{ error: new Error('no quota') }]) }).run().outcome;
    expect(outcome).toMatchObject({
      status: 'failed',
      claim: 'not-achieved',
      error: { code: 'GENIE_MODEL_FAILED', message: 'no quota' },
    });
  });

  it('says which run it does not know', async () => {
    expect(await open({}).resume('run_x').outcome).toMatchObject({
      status: 'failed',
      error: { code: 'GENIE_RUN_UNKNOWN', message: expect.stringContaining('run_x') },
    });
  });

  it('is cancelled within 50 ms in any phase, and resumed', async () => {
    const forever = () => new Promise<never>(() => undefined);
    for (const options of [
      { wakeGate: forever },
      { memory: { ...createVolatileMemory(), enrich: forever } },
      { model: { ...scriptedModel([]), doGenerate: forever } },
      { metrics: { ...createVolatileMetrics(), measure: forever } },
      { memory: { ...createVolatileMemory(), learn: forever } },
      { notifier: { notify: forever, close: async () => undefined } },
    ] satisfies Partial<GenieOptions>[]) {
      const journal = createMemoryJournal();
      const handle = open({ ...options, journal }).run({ kind: 'manual' }, { runId: 'run_1' });
      await new Promise((resolve) => setTimeout(resolve, 15));
      const startedAt = performance.now();
      handle.cancel();
      expect(await handle.outcome).toMatchObject({ status: 'cancelled' });
      expect(performance.now() - startedAt).toBeLessThan(50);
      expect(await open({ journal }).resume('run_1').outcome).toMatchObject({ status: 'completed' });
    }
  });

  it('waits for the user, is decided in another process and goes on in a third', async () => {
    const home = folder();
    const sent: string[] = [];
    const send = defineTool({
      name: 'send',
      description: 'x',
      effect: 'once',
      approval: 'always',
      input: z.object({ to: z.string() }),
      run: ({ to }) => {
        sent.push(to);
        return 'sent';
      },
    });
    const options = {
      home,
      tools: [send],
      model: scriptedModel(({ prompt }) =>
        prompt.some((message) => message.role === 'tool')
          ? { text: briefing }
          : { calls: [{ tool: 'send', input: { to: 'Ada' } }] },
      ),
    };
    const first = open(options);
    const waiting = await first.run({ kind: 'manual' }, { runId: 'run_1' }).outcome;
    expect(waiting).toMatchObject({
      status: 'waiting',
      reason: 'waits for an approval',
      approvalIds: [expect.any(String)],
    });
    await first.close();
    const second = open(options);
    await second.approvals.decide(waiting.approvalIds?.[0] ?? '', { verdict: 'allow-once', by: 'user' });
    await second.close();
    const third = open(options);
    const [handle] = await third.recover();
    expect(await handle?.outcome).toMatchObject({ runId: 'run_1', status: 'completed' });
    expect(sent).toEqual(['Ada']);
    expect(await third.recover()).toEqual([]);
  });
});

describe('createGenie', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['no goal', { goal: ' ' }, 'goal is " "'],
    ['an unknown option', { modle: 1 }, 'no option "modle"'],
    ['no model', { model: undefined }, 'There is no model'],
    ['a planning it does not know', { planning: 'twice' }, 'planning is "twice"'],
    ['no room for runs', { concurrentRuns: 0 }, 'concurrentRuns is 0'],
  ])('names the option, the value and the fix: %s', (_what, change, message) => {
    expect(() => open(change as Partial<GenieOptions>)).toThrow(
      expect.objectContaining({ code: 'GENIE_OPTIONS', message: expect.stringContaining(message) }),
    );
  });

  it.each<[string, string, string]>([
    ['truncated', '{"format":1,"id":"genie_1","go', 'GENIE_HOME_FILE'],
    ['no JSON', '\u0000\u0001', 'GENIE_HOME_FILE'],
    ['empty', '', 'GENIE_HOME_FILE'],
    ['of a wrong form', '{"format":1,"id":"","goal":7}', 'GENIE_HOME_FILE'],
    ['of a newer version', '{"format":2,"id":"genie_1","goal":"x","createdAt":1}', 'GENIE_HOME_VERSION'],
  ])('refuses a genie.json that is %s, and leaves it as it is', (_what, text, code) => {
    const home = folder();
    fs.writeFileSync(join(home, 'genie.json'), text);
    expect(() => open({ home })).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('genie.json') }),
    );
    expect(fs.readFileSync(join(home, 'genie.json'), 'utf8')).toBe(text);
  });

  it('refuses a tool whose arguments have no JSON form before anything runs', () => {
    const tool = defineTool({ name: 'plan', description: 'Plans.', input: z.object({ on: z.date() }), run: () => 1 });
    expect(() => open({ tools: [tool] })).toThrow(expect.objectContaining({ code: 'GENIE_TOOL_SCHEMA' }));
  });

  it('refuses a home that is no folder', () => {
    const home = join(folder(), 'file');
    fs.writeFileSync(home, 'x');
    expect(() => open({ home })).toThrow(
      expect.objectContaining({ code: 'GENIE_HOME_UNREADABLE', message: expect.stringContaining(home) }),
    );
  });

  it('refuses a home that is in use, and takes it once that genie is closed', async () => {
    const home = folder();
    const first = open({ home });
    expect(() => open({ home })).toThrow(expect.objectContaining({ code: 'GENIE_HOME_IN_USE' }));
    await first.close();
    expect(open({ home }).id).toBe(first.id);
  });

  it('owns the home also when its journal is kept elsewhere', async () => {
    const home = folder();
    const first = open({ home, journal: createMemoryJournal() });
    expect(() => open({ home, journal: createMemoryJournal() })).toThrow(
      expect.objectContaining({ code: 'GENIE_HOME_IN_USE' }),
    );
    expect(() => open({ home })).toThrow(expect.objectContaining({ code: 'GENIE_HOME_IN_USE' }));
    await first.close();
    const journal = openJournal({ dir: join(home, 'journal') });
    await open({ home, journal }).close();
    await journal.close();
    await open({ home }).close();
  });

  it('tells that it took the home over from a process that crashed', async () => {
    const home = folder();
    await open({ home }).close();
    expect(fs.readdirSync(join(home, 'journal', 'lease'))).toEqual(['1.free']);
    const holder = { format: 1, pid: 2 ** 22 + 1, host: hostname(), takenAt: 1 };
    fs.writeFileSync(join(home, 'journal', 'lease', '7.json'), JSON.stringify(holder));
    const genie = open({ home });
    const seen: unknown[] = [];
    genie.events.on('home.taken-over', (event) => seen.push(event));
    await Promise.resolve();
    expect(seen).toMatchObject([{ previousPid: holder.pid, generation: 8 }]);
  });

  it('runs one pass after the other in a home', async () => {
    let running = 0;
    let most = 0;
    const { genie } = withModel(() => ({ text: briefing, delayMs: 5 }), { home: folder() });
    genie.events.on('step.started', () => {
      running += 1;
      most = Math.max(most, running);
    });
    genie.events.on('step.completed', () => {
      running -= 1;
    });
    await Promise.all([1, 2, 3, 4].map(() => genie.run().outcome));
    expect(most).toBe(1);
  });

  it('closes once, cancels what runs, and starts nothing afterwards', async () => {
    const genie = open({ model: scriptedModel([{ text: 'x', delayMs: 60_000 }]), home: folder() });
    const handle = genie.run();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await Promise.all([genie.close(), genie.close()]);
    expect((await handle.outcome).status).toBe('cancelled');
    expect(() => genie.run()).toThrow(expect.objectContaining({ code: 'GENIE_CLOSED' }));
  });

  it('puts the briefing and long results where they can be read', async () => {
    const home = folder();
    const long = defineTool({
      name: 'long',
      description: 'x',
      effect: 'read',
      input: z.object({}),
      run: () => 'y'.repeat(200_000),
    });
    const { genie } = withModel([{ calls: [{ tool: 'long', input: {} }] }, { text: briefing }], {
      home,
      tools: [long],
    });
    await genie.run({ kind: 'manual' }, { runId: 'run_1' }).outcome;
    expect(fs.readFileSync(join(home, 'artifacts/briefings/run_1.md'), 'utf8')).toBe(`${briefing}\n`);
    expect(
      fs
        .readdirSync(join(home, 'artifacts/results'))
        .map((name) => fs.statSync(join(home, 'artifacts/results', name)).size),
    ).toEqual([200_000]);
  });
});

function open(options: Partial<GenieOptions>) {
  const genie = createGenie({
    goal: 'Keep me posted',
    model: scriptedModel([{ text: briefing }]),
    ...options,
  } as GenieOptions);
  onTestFinished(() => genie.close());
  return genie;
}

function withModel(script: Parameters<typeof scriptedModel>[0], options: Partial<GenieOptions> = {}) {
  const model = scriptedModel(script);
  return { model, genie: open({ model, ...options }) };
}

function note() {
  return defineTool({ name: 'note', description: 'x', effect: 'idempotent', input: z.object({}), run: () => 'noted' });
}

function failing<Port extends MemoryPort | MetricsPort>(port: Port, method: string): Port {
  return { ...port, [method]: () => Promise.reject(new Error('it broke')) };
}

async function read(handle: RunHandle): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of handle) events.push(event);
  return events;
}

function folder(): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-home-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}
