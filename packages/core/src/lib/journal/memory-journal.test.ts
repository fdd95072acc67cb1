import { describe, expect, it } from 'vitest';
import { createMemoryJournal } from './memory-journal.ts';

describe('createMemoryJournal', () => {
  it('forgets the oldest closed runs, so that a long-lived process stays small', async () => {
    const journal = createMemoryJournal({ keepClosedRuns: 3 });
    for (let index = 0; index < 50; index += 1) {
      const run = await journal.open(`run_${index}`);
      run.append({ kind: 'opened', at: index, meta: {} });
      if (index !== 7) run.append({ kind: 'closed', at: index, status: 'completed', outcome: {} });
      run.release();
    }
    expect((await journal.list()).map((run) => run.runId)).toEqual(['run_7', 'run_47', 'run_48', 'run_49']);
  });

  it('keeps nothing of a run that was opened and never written', async () => {
    const journal = createMemoryJournal();
    (await journal.open('run_1')).release();
    expect(await journal.list()).toEqual([]);
  });
});
