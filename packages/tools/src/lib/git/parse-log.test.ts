import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLog } from './parse-log.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll('\0', ''));
const path = word.filter((text) => text !== '');
const file = fc.record({ path, added: fc.nat(9999), deleted: fc.nat(9999) });
const commit = fc.record({
  sha: fc.stringMatching(/^[0-9a-f]{40}$/),
  subject: word.map((text) => text.replaceAll('\n', ' ')),
  body: word.map((text) => text.trim()),
  files: fc.array(file, { maxLength: 4 }),
});

describe('parseLog', () => {
  it('reads back whatever messages and paths commits hold', () => {
    fc.assert(
      fc.property(fc.array(commit, { maxLength: 5 }), (commits) => {
        const printed = commits
          .map(({ sha, subject, body, files }) => {
            const counts = files.map((one) => `${one.added}\t${one.deleted}\t${one.path}\0`).join('');
            const fields = [
              sha,
              sha.slice(0, 7),
              'Ada',
              '2026-01-01',
              subject,
              body,
              counts === '' ? '' : `\n${counts}`,
            ];
            return fields.join('\0');
          })
          .join('');
        expect(parseLog(printed).map(({ sha, subject, body, files }) => ({ sha, subject, body, files }))).toEqual(
          commits,
        );
      }),
    );
  });

  it('never throws and drops a commit that was cut off', () => {
    const whole = ['a'.repeat(40), 'aaaaaaa', 'Ada', 'date', 'Subject', 'Body', '\n1\t2\ta.txt', ''].join('\0');
    for (let end = 0; end <= whole.length; end += 1)
      expect(parseLog(whole.slice(0, end)).length).toBeLessThanOrEqual(1);
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseLog(text))));
  });
});
