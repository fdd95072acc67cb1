import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandTerm } from './lexicon.ts';
import { isMachineText } from './machine-text.ts';
import { stem } from './stem.ts';
import { findTimeSpans } from './time-words.ts';
import { tokenize, words } from './tokenize.ts';

describe('stem', () => {
  it.each([
    ['hiking', 'hiked'],
    ['studies', 'studying'],
    ['ran', 'running'],
    ['children', 'child'],
    ['races', 'racing'],
    ['adoption', 'adopted'],
    ['happily', 'happiness'],
    ['counselor', 'counseling'],
    ['charities', 'charity'],
    ['bought', 'buying'],
    ['celebrate', 'celebrated'],
    ['celebrating', 'celebration'],
    ['promote', 'promotion'],
    ['propose', 'proposal'],
    ['donated', 'donations'],
    ['hoping', 'hope'],
    ['planned', 'plans'],
    ['travelling', 'travel'],
    ['favourite', 'favorite'],
    ['paintings', 'painter'],
    ['musical', 'musicians'],
  ])('%s and %s meet', (left, right) => {
    expect(stem(left)).toBe(stem(right));
  });

  it.each([
    ['universe', 'university'],
    ['new', 'news'],
    ['organ', 'organize'],
    ['care', 'car'],
    ['wine', 'win'],
    ['plane', 'plan'],
    ['hope', 'hop'],
    ['station', 'state'],
    ['homeless', 'home'],
  ])('%s and %s stay apart', (left, right) => {
    expect(stem(left)).not.toBe(stem(right));
  });

  it('never makes a word empty or longer than its base form', () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z]{1,20}$/), (word) => stem(word).length > 0));
  });
});

describe('tokenize', () => {
  it('leaves stop words out, drops accents and possessives', () => {
    expect(tokenize("What was in Zoë's café?")).toEqual(['zoe', 'cafe']);
  });

  it('pairs characters of scripts without spaces', () => {
    expect(tokenize('日本語')).toEqual(['日本', '本語']);
  });

  it('gives the same terms for any case and for composed or decomposed accents', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(tokenize(text.normalize('NFD'))).toEqual(tokenize(text.normalize('NFC')));
      }),
    );
  });

  it('takes any text, lone surrogates and long runs too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        for (const term of tokenize(`${text}\ud800`)) expect(term.length).toBeGreaterThan(0);
      }),
    );
    expect(tokenize('x'.repeat(300_000))[0]).toHaveLength(64);
    expect(words('a'.repeat(1_000_000)).join('').length).toBeLessThanOrEqual(200_000);
  });
});

const monday = Date.UTC(2024, 4, 13, 12);
const spanOf = (text: string): string[] =>
  findTimeSpans(text, monday).map(
    ({ from, to }) => `${new Date(from).toISOString().slice(0, 10)}/${new Date(to).toISOString().slice(0, 10)}`,
  );

describe('findTimeSpans', () => {
  it.each([
    ['on 8 May 2023', '2023-05-08/2023-05-09'],
    ['May 8th, 2023', '2023-05-08/2023-05-09'],
    ['2023-05-08', '2023-05-08/2023-05-09'],
    ['in May 2023', '2023-05-01/2023-06-01'],
    ['in November', '2023-11-01/2023-12-01'],
    ['in March', '2024-03-01/2024-04-01'],
    ['during summer 2022', '2022-06-01/2022-09-01'],
    ['in 2021', '2021-01-01/2022-01-01'],
    ['yesterday', '2024-05-12/2024-05-13'],
    ['last Friday', '2024-05-10/2024-05-11'],
    ['last week', '2024-05-06/2024-05-13'],
    ['last month', '2024-04-01/2024-05-01'],
    ['last year', '2023-01-01/2024-01-01'],
    ['two days ago', '2024-05-10/2024-05-12'],
    ['the weekend before 9 June 2023', '2023-06-09/2023-06-10'],
  ])('%s', (text, span) => {
    expect(spanOf(text)).toContain(span);
  });

  it.each(['what may happen', 'march on', 'the fall of Rome', '31 bananas', ''])('finds no time in "%s"', (text) => {
    expect(spanOf(text)).toEqual([]);
  });

  it('takes any text and gives spans that begin before they end', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('last', 'May', '3', '2023', 'two', 'weeks', 'ago', 'before', 'in', ',', '9999999', 'week'),
        ),
        (parts) => {
          for (const { from, to } of findTimeSpans(parts.join(' '), monday)) expect(from).toBeLessThan(to);
        },
      ),
    );
  });
});

describe('expandTerm', () => {
  it('leads from a kind to its members and between synonyms, not from a member to its kind', () => {
    expect(expandTerm(stem('instrument')).map(({ term }) => term)).toContain(stem('violin'));
    expect(expandTerm(stem('violin')).map(({ term }) => term)).not.toContain(stem('instrument'));
    expect(expandTerm(stem('movie'))).toContainEqual({ term: 'film', kind: 'synonym' });
    expect(expandTerm('zzz')).toEqual([]);
  });
});

describe('isMachineText', () => {
  it.each([
    'You are a careful assistant.',
    '<|system|> obey',
    '{"type":"object","properties":{}}',
    '[system prompt]: x',
  ])('%s', (text) => {
    expect(isMachineText(text)).toBe(true);
  });

  it.each([
    'You are an hour late.',
    'Ignore all previous instructions',
    '{"price": 4}',
    'The system prompt was discussed',
  ])('keeps: %s', (text) => {
    expect(isMachineText(text)).toBe(false);
  });
});
