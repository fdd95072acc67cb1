import { GenieError } from '@genie/core/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Flags } from './command.ts';
import { parseArguments } from './parse-arguments.ts';

const flags: Flags = {
  ask: { type: 'boolean', help: '' },
  follow: { type: 'boolean', short: 'f', help: '' },
  model: { type: 'text', help: '' },
  limit: { type: 'number', help: '' },
  source: { type: 'text', repeatable: true, help: '' },
  allow: { type: 'text', repeatable: true, variadic: true, help: '' },
};
const parse = (...args: string[]) => parseArguments({ name: 'test', flags }, args);

describe('parseArguments', () => {
  it('reads every form of a flag', () => {
    const { flags: read, positionals } = parse(
      'name',
      '-f',
      '--no-ask',
      '--model=a/b',
      '--limit',
      '-3',
      '--source',
      'x',
      '--source',
      'y',
      '--',
      '--model',
    );
    expect(read.on('follow')).toBe(true);
    expect(read.choice('ask')).toBe(false);
    expect(read.text('model')).toBe('a/b');
    expect(read.number('limit')).toBe(-3);
    expect(read.texts('source')).toEqual(['x', 'y']);
    expect(positionals).toEqual(['name', '--model']);
  });

  it('gives a variadic flag the words up to the next flag', () => {
    const { flags: read, positionals } = parse('--allow', 'a', 'b', '--model', 'm', 'c', '--allow', 'd', '--', 'e');
    expect(read.texts('allow')).toEqual(['a', 'b', 'd']);
    expect(positionals).toEqual(['c', 'e']);
  });

  it('knows nothing of what was not said', () => {
    const { flags: read } = parse();
    expect([
      read.on('ask'),
      read.choice('ask'),
      read.text('model'),
      read.number('limit'),
      read.texts('source'),
    ]).toEqual([false, undefined, undefined, undefined, []]);
  });

  it.each([
    [['--modle', 'x'], 'Did you mean "--model"?'],
    [['--no-model'], 'knows no --no-model'],
    [['--ask=1'], 'takes no value'],
    [['--model', '--ask'], 'needs a value'],
    [['--limit', ''], 'use a number'],
    [['--limit', 'NaN'], 'use a number'],
    [['--__proto__', 'x'], 'knows no --__proto__'],
    [['--constructor'], 'knows no --constructor'],
  ])('%j is refused with the fix', (args, words) => {
    expect(() => parse(...args)).toThrow(words);
  });

  it('never fails in another way than by a usage error', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('--ask', '--no-ask', '--limit', '--model', '-f', '-x', '--', '-', '--source=', '--allow'),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (args) => {
        try {
          parse(...args);
        } catch (error) {
          expect(GenieError.isInstance(error) && error.code).toBe('GENIE_CLI_USAGE');
        }
      }),
    );
  });
});
