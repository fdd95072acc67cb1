import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGenie } from '../create-genie.ts';
import { openJournal } from '../journal/file-journal.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import { createGenieJson, readGenieJson } from './genie-json.ts';
import { keepOutputIn, openHome, saveBriefingIn } from './open-home.ts';

const fresh = { id: 'genie_1', goal: 'Look', createdAt: 1 };
const model = scriptedModel([{ text: 'x' }]);

describe('a home', () => {
  it('stays where it was when it was opened by a relative path', () => {
    const home = openHome(relative(process.cwd(), folder()), fresh);
    expect(Object.values(home).filter((path) => typeof path === 'string' && !isAbsolute(path))).toEqual([]);
  });

  it('belongs to the process whose journal lies in it, by whatever path', async () => {
    const home = folder();
    const link = `${home}-link`;
    fs.symlinkSync(home, link);
    onTestFinished(() => fs.rmSync(link));
    const journal = openJournal({ dir: join(home, 'journal') });
    await createGenie({ goal: 'Look', model, home: link, journal }).close();
    await createGenie({ goal: 'Look', model, home: relative(process.cwd(), home), journal }).close();
    await journal.close();
    await using owner = createGenie({ goal: 'Look', model, home: link });
    expect(() => createGenie({ goal: 'Look', model, home })).toThrow(
      expect.objectContaining({ code: 'GENIE_HOME_IN_USE' }),
    );
    expect(owner.id).toBe(readGenieJson(home).id);
  });

  it('has the identity that was written first, when two processes make it at once', () => {
    const home = folder();
    createGenieJson(home, { format: 1, ...fresh });
    createGenieJson(home, { format: 1, ...fresh, id: 'genie_2' });
    expect(readGenieJson(home).id).toBe('genie_1');
    expect(fs.readdirSync(home)).toEqual(['genie.json']);
  });

  it('keeps results and briefings of ids apart that are long, or alike as file names', async () => {
    const artifacts = folder();
    const keep = keepOutputIn(artifacts);
    const save = saveBriefingIn(artifacts);
    const runIds = [`${'r'.repeat(199)}1`, `${'r'.repeat(199)}2`, 'a/b', 'a:b', 'a_b'];
    const names = new Set<string>();
    for (const runId of runIds) {
      // A call id may come again in a later step of the run.
      for (const text of ['first', 'second']) names.add(await keep({ runId, callId: 'call_1' }, text));
      await save(runId, runId);
    }
    expect(names.size).toBe(2 * runIds.length);
    for (const name of names) expect(fs.existsSync(join(artifacts, name.replace(/^artifacts\//, '')))).toBe(true);
    const briefings = fs.readdirSync(join(artifacts, 'briefings'));
    expect(briefings.map((name) => fs.readFileSync(join(artifacts, 'briefings', name), 'utf8').trim()).sort()).toEqual(
      runIds.toSorted(),
    );
  });
});

function folder(): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-home-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return fs.realpathSync(dir);
}
