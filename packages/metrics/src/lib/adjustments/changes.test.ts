import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryApprovals } from '@genie/core';
import { type Approvals, createIds, type JsonObject, type Notification } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adjustmentAction } from '../evaluation/request-approvals.ts';
import type { Metrics } from '../metrics.ts';
import { openMetrics } from '../open-metrics.ts';
import { seededRandom } from '../statistics/robust.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createTestRun } from '../testing/test-run.ts';
import type { Adjustment } from './adjustment.ts';
import { applyAdjustment, revertAdjustment, type SettingsTarget } from './settings.ts';
import { settingsFile } from './settings-file.ts';

const clock = fixedClock();
const genieId = 'genie_1';
let dir: string;
let target: SettingsTarget;
let approvals: Approvals;
let metrics: Metrics;
let told: Notification[];
const settings: JsonObject = {
  goal: 'stays',
  sources: [
    { kind: 'feed', location: 'https://a.example/feed', title: 'A' },
    { kind: 'feed', location: 'https://b.example/feed' },
  ],
  schedule: { cron: '0 5 * * *', timezone: 'Europe/Berlin' },
};

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'genie-changes-'));
  target = settingsFile(path.join(dir, 'genie.json'));
  await target.write(settings);
  ({ approvals, metrics, told } = openAll());
});
afterEach(async () => {
  await metrics.close();
  rmSync(dir, { recursive: true, force: true });
});

function openAll(store = createMemoryStore()) {
  const messages: Notification[] = [];
  const ids = createIds(clock);
  const rows = createMemoryApprovals({ clock, ids });
  const notifier = {
    notify: async (one: Notification) => {
      messages.push(one);
      return [];
    },
  };
  const opened = openMetrics({
    store,
    clock,
    ids,
    timeZone: 'UTC',
    settings: target,
    approvals: rows,
    genieId,
    notifier,
  });
  return { approvals: rows, metrics: opened, told: messages };
}

async function allow(proposal: { id: string; adjustment: Adjustment }): Promise<string> {
  const { id } = await approvals.request({ action: adjustmentAction(proposal, genieId), title: 'change' });
  await approvals.decide(id, { verdict: 'allow-once', by: 'user' });
  return id;
}

const removeB = { id: 'adjustment_1', adjustment: { type: 'sources' as const, remove: ['https://b.example/feed'] } };

describe('changes.adopt', () => {
  it('changes the settings for an allowed approval, once', async () => {
    const approvalId = await allow(removeB);
    const change = await metrics.changes.adopt({ proposal: removeB, approvalId });
    expect(change).toMatchObject({ state: 'adopted', title: 'Remove source https://b.example/feed' });
    expect(await target.read()).toEqual({ ...settings, sources: [(settings.sources as JsonObject[])[0]] });
    await expect(metrics.changes.adopt({ proposal: removeB, approvalId })).rejects.toMatchObject({
      code: 'GENIE_ADJUSTMENT_NOT_ALLOWED',
    });
  });

  it('refuses a pending approval, an approval of another change, and an edited change', async () => {
    const other = { id: removeB.id, adjustment: { type: 'sources' as const, remove: ['https://a.example/feed'] } };
    const refused = { code: 'GENIE_ADJUSTMENT_NOT_ALLOWED' };
    const pending = await approvals.request({ action: adjustmentAction(removeB, genieId), title: 'x' });
    await expect(metrics.changes.adopt({ proposal: removeB, approvalId: pending.id })).rejects.toMatchObject(refused);
    await expect(metrics.changes.adopt({ proposal: removeB, approvalId: 'nothing' })).rejects.toMatchObject(refused);
    const approvalId = await allow(removeB);
    await expect(metrics.changes.adopt({ proposal: other, approvalId })).rejects.toMatchObject(refused);
    expect(await target.read()).toEqual(settings);
  });

  it('is finished by recover after a crash at every step, and never twice', async () => {
    for (const crashAt of ['consume', 'consumed', 'write', 'written'] as const) {
      await target.write(settings);
      const store = createMemoryStore();
      const first = openAll(store);
      approvals = first.approvals;
      const approvalId = await allow(removeB);
      const stop = new Error('killed');
      const consume: Approvals['consume'] = async (...input) => {
        if (crashAt === 'consume') throw stop;
        const result = await approvals.consume(...input);
        if (crashAt === 'consumed') throw stop;
        return result;
      };
      const dying: SettingsTarget = {
        read: () => target.read(),
        write: async (next) => {
          if (crashAt === 'write') throw stop;
          await target.write(next);
          throw stop;
        },
      };
      const base = { store, clock, timeZone: 'UTC', genieId };
      const crashed = openMetrics({
        ...base,
        settings: dying,
        approvals: { request: (one) => approvals.request(one), get: (id) => approvals.get(id), consume },
      });
      await expect(crashed.changes.adopt({ proposal: removeB, approvalId })).rejects.toBe(stop);
      const next = openMetrics({ ...base, settings: target, approvals });
      expect((await next.changes.recover()).map((change) => change.state)).toEqual(['adopted']);
      expect((await target.read()).sources).toHaveLength(1);
      expect(await next.changes.recover()).toEqual([]);
      expect(await next.changes.list()).toHaveLength(1);
    }
  });
});

describe('changes.adoptAllowed', () => {
  it('adopts what the user allowed meanwhile, once, each with the experiment that tried it', async () => {
    await allow(removeB);
    const denied = await approvals.request({
      action: adjustmentAction({ id: 'adjustment_2', adjustment: { type: 'search-terms', add: ['x'] } }, genieId),
      title: 'no',
    });
    await approvals.decide(denied.id, { verdict: 'deny', by: 'user' });
    await approvals.request({
      action: adjustmentAction({ id: 'adjustment_3', adjustment: { type: 'search-terms', add: ['y'] } }, genieId),
      title: 'later',
    });
    const experimentOf = async (id: string) =>
      id === removeB.id ? { experimentId: 'experiment_1', guards: [{ kpiId: 'items' }] } : undefined;
    const { adopted, refused } = await metrics.changes.adoptAllowed({ experimentOf });
    expect(refused).toEqual([]);
    expect(adopted).toMatchObject([{ state: 'adopted', experimentId: 'experiment_1', guards: [{ kpiId: 'items' }] }]);
    expect((await target.read()).sources).toHaveLength(1);
    expect(await target.read()).not.toHaveProperty('searchTerms');
    expect(await metrics.changes.adoptAllowed()).toEqual({ adopted: [], refused: [] });
  });

  it('uses up what cannot be adopted, says why, and adopts the rest', async () => {
    const strict: SettingsTarget = {
      ...target,
      check(next) {
        if ((next.schedule as JsonObject).cron === '99 * * * *') throw new Error('no such minute');
      },
    };
    const opened = openMetrics({ store: createMemoryStore(), clock, settings: strict, approvals, genieId });
    await allow({ id: 'adjustment_2', adjustment: { type: 'schedule', cron: '99 * * * *' } });
    await allow(removeB);
    const foreign = await approvals.request({ action: adjustmentAction(removeB, 'another genie'), title: 'x' });
    await approvals.decide(foreign.id, { verdict: 'allow-once', by: 'user' });
    const { adopted, refused } = await opened.changes.adoptAllowed();
    expect(adopted.map((change) => change.proposalId)).toEqual([removeB.id]);
    expect(refused).toMatchObject([{ title: 'change', reason: 'no such minute' }]);
    expect((await target.read()).schedule).toEqual(settings.schedule);
    expect(await opened.changes.adoptAllowed()).toEqual({ adopted: [], refused: [] });
    expect((await approvals.get(foreign.id))?.status).toBe('allowed');
    await opened.close();
  });

  it('adopts by a standing permission without another question', async () => {
    const grant = { genieId, kind: 'adjustment' as const, subject: 'adjustment:sources', effect: 'allow' as const };
    await approvals.grants.add(grant);
    const row = await approvals.request({ action: adjustmentAction(removeB, genieId), title: 'x' });
    expect(row).toMatchObject({ status: 'allowed', byGrant: true });
    expect((await metrics.changes.adoptAllowed()).adopted).toHaveLength(1);
  });
});

describe('changes.undo', () => {
  it('restores the settings exactly', async () => {
    const change = await metrics.changes.adopt({ proposal: removeB, approvalId: await allow(removeB) });
    const undone = await metrics.changes.undo(change.id, { reason: 'no', by: 'user' });
    expect(undone).toMatchObject({ state: 'undone', reason: 'no' });
    expect(await target.read()).toEqual(settings);
    await expect(metrics.changes.undo(change.id, { reason: 'no', by: 'user' })).rejects.toMatchObject({
      code: 'GENIE_CHANGE_STATE',
    });
  });

  it('keeps what the user set since', async () => {
    const change = await metrics.changes.adopt({ proposal: removeB, approvalId: await allow(removeB) });
    const mine = { kind: 'web', location: 'https://mine.example' };
    await target.write(applyAdjustment(await target.read(), { type: 'sources', add: [{ ...mine, kind: 'web' }] }));
    await metrics.changes.undo(change.id, { reason: 'no', by: 'user' });
    const locations = ((await target.read()).sources as JsonObject[]).map((source) => source.location);
    expect(locations.sort()).toEqual(['https://a.example/feed', 'https://b.example/feed', 'https://mine.example']);
  });

  it('undoes any adjustment of any settings exactly', () => {
    const text = fc.string({ minLength: 1, maxLength: 8 });
    const adjustment: fc.Arbitrary<Adjustment> = fc.oneof(
      fc.record({
        type: fc.constant('search-terms' as const),
        add: fc.array(text, { minLength: 1 }),
        remove: fc.array(text, { minLength: 1 }),
      }),
      fc.record({ type: fc.constant('schedule' as const), cron: fc.constant('1 2 * * *') }),
      fc.record({
        type: fc.constant('budget' as const),
        limit: fc.constantFrom('usd' as const, 'steps' as const),
        value: fc.nat(),
      }),
      fc.record({ type: fc.constant('tool-policy' as const), tool: text, policy: fc.constant('ask' as const) }),
      fc.record({
        type: fc.constant('prompt-fragment' as const),
        name: fc.constantFrom('a', 'b'),
        text: fc.constantFrom('', 'x'),
      }),
    );
    const anySettings = fc.record(
      {
        searchTerms: fc.uniqueArray(text),
        schedule: fc.record({ cron: fc.constant('0 5 * * *'), timezone: fc.constant('UTC') }),
        budget: fc.record({ usd: fc.nat() }, { requiredKeys: [] }),
        toolPolicy: fc.dictionary(text, fc.constantFrom('allow', 'deny')),
        promptFragments: fc.dictionary(fc.constantFrom('a', 'b'), text),
        other: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anySettings, adjustment, (before, change) => {
        const start = JSON.parse(JSON.stringify(before)) as JsonObject;
        const after = applyAdjustment(start, change);
        expect(revertAdjustment(after, { before: start, after })).toEqual({ settings: start, kept: [] });
        const edited = { ...after, mine: 1 };
        expect(revertAdjustment(edited, { before: start, after }).settings.mine).toBe(1);
      }),
    );
  });
});

describe('guards', () => {
  async function runs(from: number, count: number, items: (index: number) => number): Promise<void> {
    for (let index = from; index < from + count; index += 1) {
      clock.advance(3_600_000);
      const briefing = {
        title: '',
        markdown: '',
        items: Array.from({ length: items(index) }, (_, item) => ({ id: `${item}`, text: '', citations: [] })),
      };
      await metrics.measure(
        createTestRun({ runId: `run_${index}`, startedAt: clock.now() - 1000, endedAt: clock.now(), briefing }),
      );
    }
  }

  it('undoes a change after which a KPI gets worse, in 100 of 100 trials, and leaves the data intact', async () => {
    let undone = 0;
    for (let trial = 0; trial < 100; trial += 1) {
      await target.write(settings);
      ({ approvals, metrics, told } = openAll());
      const random = seededRandom(trial);
      const usual = 20 + Math.floor(random() * 20);
      const noise = () => Math.round((random() - 0.5) * 4);
      await metrics.define([
        {
          id: 'items',
          name: 'Items',
          unit: 'items',
          direction: 'up',
          target: 1,
          probe: { kind: 'run-field', field: 'items' },
        },
      ]);
      await runs(0, 10, () => usual + noise());
      const change = await metrics.changes.adopt({ proposal: removeB, approvalId: await allow(removeB) });
      await runs(10, 5, () => Math.round(usual * (0.3 + 0.3 * random())) + noise());
      const [state] = await metrics.changes.list();
      if (state?.id === change.id && state.state === 'undone') undone += 1;
      expect(await target.read()).toEqual(settings);
      expect(await metrics.outcomes()).toHaveLength(15);
      expect(told).toHaveLength(1);
      expect(told[0]?.title).toBe('Undone: Remove source https://b.example/feed');
    }
    expect(undone).toBe(100);
  }, 60_000);

  it('leaves harmless changes alone', async () => {
    let undone = 0;
    for (let trial = 0; trial < 60; trial += 1) {
      await target.write(settings);
      ({ approvals, metrics, told } = openAll());
      const random = seededRandom(1000 + trial);
      await metrics.define([
        {
          id: 'items',
          name: 'Items',
          unit: 'items',
          direction: 'up',
          target: 1,
          probe: { kind: 'run-field', field: 'items' },
        },
      ]);
      await runs(0, 10, () => 20 + Math.round((random() - 0.5) * 8));
      await metrics.changes.adopt({ proposal: removeB, approvalId: await allow(removeB) });
      await runs(10, 10, () => 20 + Math.round((random() - 0.5) * 8));
      undone += (await metrics.changes.list()).filter((change) => change.state === 'undone').length;
    }
    expect(undone).toBe(0);
  }, 60_000);

  it('is not fooled by one bad run among many, and not by one good one either', async () => {
    await metrics.define([
      {
        id: 'items',
        name: 'Items',
        unit: 'items',
        direction: 'up',
        target: 1,
        probe: { kind: 'run-field', field: 'items' },
      },
    ]);
    await runs(0, 12, (index) => (index === 5 ? 0 : 20));
    await metrics.changes.adopt({ proposal: removeB, approvalId: await allow(removeB) });
    await runs(12, 3, (index) => (index === 13 ? 2 : 20));
    expect(await metrics.changes.list()).toMatchObject([{ state: 'adopted' }]);
    await runs(15, 8, () => 8);
    expect(await metrics.changes.list()).toMatchObject([{ state: 'undone' }]);
  });

  it('undoes a change after which a KPI cannot be seen any more', async () => {
    await metrics.define([
      { id: 'cited', name: 'Cited', unit: '%', direction: 'up', target: 1, probe: { kind: 'citations' } },
    ]);
    await runs(0, 4, () => 5);
    await metrics.changes.adopt({ proposal: removeB, approvalId: await allow(removeB) });
    await runs(4, 3, () => 0);
    expect(await metrics.changes.list()).toMatchObject([
      { state: 'undone', reason: expect.stringContaining('no data since') },
    ]);
  });
});

describe('evaluate with approvals', () => {
  it('turns each proposal into an approval that adopt accepts', async () => {
    for (let index = 0; index < 3; index += 1) {
      const run = createTestRun({ runId: `run_${index}`, endedAt: clock.now() });
      await metrics.measure({ ...run, briefing: { ...run.briefing!, items: [run.briefing!.items[0]!] } });
    }
    const [proposal] = (await metrics.evaluate()).adjustments;
    const [row] = await approvals.list({ kind: 'adjustment' });
    expect(row).toMatchObject({
      id: proposal?.approvalId,
      title: 'Remove source https://b.example/feed',
      status: 'pending',
    });
    await approvals.decide(row!.id, { verdict: 'allow-once', by: 'user' });
    await metrics.changes.adopt({ proposal: proposal!, approvalId: row!.id });
    expect((await target.read()).sources).toHaveLength(1);
  });
});
