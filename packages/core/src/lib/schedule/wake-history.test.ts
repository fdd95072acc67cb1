import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGenie } from '../create-genie.ts';
import type { JournalRun } from '../journal/journal.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import { wakesOfRuns } from './wake-history.ts';

const dueAt = Date.UTC(2026, 0, 5, 7);
const run = (changes: Partial<JournalRun>): JournalRun => ({
  runId: 'run_1',
  status: 'closed',
  openedAt: dueAt,
  meta: { trigger: { kind: 'schedule', dueAt } },
  closed: { at: dueAt, status: 'completed', outcome: { costUsd: 0.02, briefing: { items: [{}, {}] } } },
  ...changes,
});

describe('wakesOfRuns', () => {
  it('gives the due time, what was found and what it cost', () => {
    const skipped = run({ closed: { at: dueAt, status: 'skipped', outcome: {} } });
    expect(wakesOfRuns([run({}), skipped])).toEqual([
      { at: dueAt, woke: true, items: 2, costUsd: 0.02 },
      { at: dueAt, woke: false, items: 0 },
    ]);
  });

  it('leaves out what a schedule did not start, what did not end by itself, and what is damaged', () => {
    const { closed: _closed, ...open } = run({ status: 'open' });
    const runs = [
      run({ meta: { trigger: { kind: 'manual' } } }),
      run({ meta: {} }),
      run({ meta: { trigger: { kind: 'schedule', dueAt: 'soon' } } }),
      run({ closed: { at: dueAt, status: 'failed', outcome: {} } }),
      run({ closed: { at: dueAt, status: 'cancelled', outcome: {} } }),
      open,
    ];
    expect(wakesOfRuns(runs)).toEqual([]);
    expect(wakesOfRuns([run({ closed: { at: dueAt, status: 'completed', outcome: { briefing: [7] } } })])).toEqual([
      { at: dueAt, woke: true, items: 0 },
    ]);
  });

  it('reads the journal of a real genie', async () => {
    const home = await mkdtemp(join(tmpdir(), 'genie-history-'));
    const text = '## News\n- Two commits ([log](https://example.org/log), 2026-01-05)';
    const genie = createGenie({ goal: 'Brief me', home, model: scriptedModel([{ text }]) });
    await genie.run({ kind: 'schedule', dueAt }).outcome;
    expect(wakesOfRuns(await genie.journal.list())).toEqual([{ at: dueAt, woke: true, items: 1 }]);
    await genie.close();
    await rm(home, { recursive: true, force: true });
  });
});
