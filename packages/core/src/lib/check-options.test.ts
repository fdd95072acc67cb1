import { describe, expect, it } from 'vitest';
import { createGenie } from './create-genie.ts';
import type { GenieOptions } from './genie.ts';
import { scriptedModel } from './testing/scripted-model.ts';

const model = scriptedModel([{ text: 'x' }]);

describe('createGenie, given something it cannot use', () => {
  it.each<[keyof GenieOptions, unknown]>([
    ['home', ''],
    ['home', 5],
    ['id', ''],
    ['id', 'two words'],
    ['id', 'x'.repeat(129)],
    ['limits', { modelTimeoutMs: Number.NaN }],
    ['limits', { maxOutputCharacters: -1 }],
    ['limits', { modelTimeout: 5 }],
    ['limits', null],
    ['sources', 'https://example.com'],
    ['sources', [{ kind: 'rss', location: 'https://example.com' }]],
    ['sources', [{ kind: 'feed' }]],
    ['instructions', 5],
    ['wakeGate', {}],
    ['concurrentRuns', '2'],
    ['memory', {}],
    ['journal', { append: () => undefined }],
    ['approvals', null],
    ['clock', {}],
  ])('says at once that %s is wrong: %j', (name, value) => {
    expect(() => createGenie({ goal: 'Look', model, [name]: value })).toThrow(
      expect.objectContaining({ code: 'GENIE_OPTIONS', message: expect.stringContaining(name) }),
    );
  });

  it.each<unknown>([null, 'hello', {}, { kind: 'mail' }, { kind: 'message' }, { kind: 'schedule', dueAt: 'now' }])(
    'starts no run for the trigger %j',
    async (trigger) => {
      await using genie = createGenie({ goal: 'Look', model });
      expect(() => genie.run(trigger as never)).toThrow(expect.objectContaining({ code: 'GENIE_OPTIONS' }));
      expect(() => genie.chat(undefined as never)).toThrow(expect.objectContaining({ code: 'GENIE_OPTIONS' }));
      expect(await genie.journal.list()).toEqual([]);
    },
  );
});
