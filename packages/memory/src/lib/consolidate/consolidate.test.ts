import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleRecord } from '../conformance/sample-record.ts';
import type { Memory } from '../memory.ts';
import { openMemory } from '../open-memory.ts';
import { runRecord } from '../testing/run-record.ts';
import { contentOf } from './operation.ts';
import { validateOperations } from './validate.ts';

let memory: Memory;
beforeEach(() => {
  memory = openMemory({ store: ':memory:' });
});
afterEach(() => memory.close());

const everything = async (): Promise<unknown[]> =>
  (await memory.list(undefined, { status: ['live', 'superseded', 'merged'] })).map(contentOf);

describe('consolidate', () => {
  it('hides repeated notes behind one and loses none', async () => {
    await memory.remember([
      { id: 'a', text: 'The library closes at 18:00.' },
      { id: 'b', text: 'the library closes at 18:00' },
      { id: 'c', text: 'The library closes at 19:00.' },
    ]);
    const receipt = await memory.consolidate();
    expect(receipt).toMatchObject({ merged: 1, refused: [], complete: true });
    expect((await memory.recall('library closes')).items.map(({ id }) => id).sort()).toEqual(['a', 'c']);
    expect((await memory.get('b'))?.status).toBe('merged');
    expect((await memory.verify()).ok).toBe(true);
  });

  it.each([
    ['The door is open', 'The door is not open'],
    ['Ada beat Bo at chess', 'Bo beat Ada at chess'],
    ['She can drive', 'She could drive'],
    ['It is a plan', 'It is planned'],
  ])('does not merge "%s" and "%s"', async (left, right) => {
    await memory.remember([
      { id: 'a', text: left },
      { id: 'b', text: right },
    ]);
    expect((await memory.consolidate()).merged).toBe(0);
  });

  it('never merges what somebody said', async () => {
    await memory.remember([
      { id: 'a', text: 'I am fine', speaker: 'Ada' },
      { id: 'b', text: 'I am fine', speaker: 'Ada' },
    ]);
    expect((await memory.consolidate()).merged).toBe(0);
  });

  it('gives back exactly the state before when it is rolled back', async () => {
    await memory.remember([
      { id: 'a', text: 'milk is due by 2031-05-05' },
      { id: 'b', text: 'Milk is due by 2031-05-05' },
    ]);
    for (let time = 0; time < 4; time += 1) await memory.recall('milk');
    const before = await everything();
    const { operationId, merged, patterns } = await memory.consolidate();
    expect({ merged, patterns }).toEqual({ merged: 1, patterns: 2 });
    expect(await everything()).not.toEqual(before);
    await memory.rollBack(operationId ?? '');
    expect(await everything()).toEqual(before);
    expect(await memory.rollBack(operationId ?? '')).toBe(0);
  });

  it('leaves alone what was changed after it when it is rolled back', async () => {
    await memory.remember([
      { id: 'a', text: 'tea is out' },
      { id: 'b', text: 'tea is out' },
    ]);
    const { operationId } = await memory.consolidate();
    await memory.remember({ id: 'a', text: 'tea is back' });
    await memory.rollBack(operationId ?? '');
    expect((await memory.get('a'))?.text).toBe('tea is back');
    expect((await memory.get('b'))?.status).toBe('live');
  });

  it('is undone once, and not again', async () => {
    await memory.remember([{ id: 'a', text: 'Buy milk' }, { text: 'buy milk!' }]);
    const { operationId = '' } = await memory.consolidate();
    expect(await memory.rollBack(operationId)).toBe(2);
    await memory.remember({ id: 'a', text: 'Buy bread' });
    expect(await memory.rollBack(operationId)).toBe(0);
    expect((await memory.get('a'))?.text).toBe('Buy bread');
  });

  it('says when an operation is unknown', async () => {
    await expect(memory.rollBack('op_none')).rejects.toMatchObject({ code: 'GENIE_MEMORY_INPUT' });
  });

  it('detects what keeps coming up, what keeps failing and what will be due', async () => {
    for (let run = 1; run <= 4; run += 1) {
      const record = runRecord(`run_${run}`, [[`i${run}`, `The maintainers of Heron met Jane Harper, round ${run}`]]);
      const failing = {
        callId: 'c',
        tool: 'fetch',
        input: {},
        status: 'failed' as const,
        outputText: '',
        tookMs: 1,
        error: { code: 'GENIE_X' as const, message: 'no' },
      };
      await memory.learn({ ...record, toolCalls: [failing] });
    }
    await memory.remember({ id: 'rent', text: 'The rent has to be paid by 3 March 2027', eventTime: '2027-02-20' });
    await memory.consolidate();
    const patterns = await memory.patterns.list();
    expect(patterns.map(({ kind }) => kind).sort()).toEqual(
      expect.arrayContaining(['due', 'failure', 'source', 'topic']),
    );
    expect(patterns.every(({ confidence }) => confidence > 0.5 && confidence < 1)).toBe(true);
    expect((await memory.patterns.due({ now: '2027-03-02' })).map(({ kind }) => kind)).toEqual([]);
    expect((await memory.patterns.due({ now: '2027-03-04' })).map(({ text }) => text)).toEqual([
      'The rent has to be paid by 3 March 2027',
    ]);
    expect(
      (await memory.enrich({ runId: 'r', genieId: 'g', goal: 'x', query: '', tokenBudget: 2_000 })).stable,
    ).toContain('pattern: ');
    expect((await memory.consolidate()).patterns).toBe(0);
  });

  it('merges episodes of quiet runs and still counts them', async () => {
    for (let run = 1; run <= 16; run += 1) await memory.learn(runRecord(`run_${run}`, []));
    const receipt = await memory.consolidate();
    expect(receipt.summaries).toBe(1);
    expect(await memory.list('episode')).toHaveLength(10);
    expect((await memory.list('summary'))[0]?.text).toMatch(/^6 runs from 2026-03-01 to 2026-03-01 reported nothing/);
    const { volatile } = await memory.enrich({ runId: 'r', genieId: 'g', goal: 'x', query: '', tokenBudget: 2_000 });
    expect(volatile).toMatch(/^16 runs came before/);
  });

  it.each([
    ['empty', async () => '  ', 'empty result'],
    ['shrunken', async () => 'Some things happened.', 'misses the number'],
    ['missing', async () => undefined as never, 'not a text'],
    ['swollen', async (texts: readonly string[]) => texts.join(' ').repeat(9), 'more than twice as long'],
    [
      'failing',
      async () => {
        throw new Error('model is down');
      },
      'model is down',
    ],
  ])('refuses an %s summary and keeps every source', async (_name, summarise, why) => {
    for (let item = 0; item < 20; item += 1)
      await memory.learn(runRecord(`run_${item}`, [[`i${item}`, `Ship number ${item} left for Oslo`]]));
    const receipt = await memory.consolidate({ summarise });
    expect(receipt.summaries).toBe(0);
    expect(receipt.refused.join()).toContain(why);
    expect(await memory.list('finding')).toHaveLength(20);
  });

  it('stores a summary that keeps what matters, beside its sources', async () => {
    for (let item = 0; item < 20; item += 1)
      await memory.learn(runRecord(`run_${item}`, [[`i${item}`, `Ship number ${item} left for Oslo`]]));
    const receipt = await memory.consolidate({
      summarise: async (texts) => `Ships left for Oslo: ${texts.join('; ')}`,
    });
    expect(receipt.summaries).toBe(1);
    expect(await memory.list('finding')).toHaveLength(20);
    expect((await memory.consolidate({ summarise: async () => 'again' })).summaries).toBe(0);
  });

  it('stores no summary and no pattern of what is forgotten while a model writes', async () => {
    for (let item = 0; item < 20; item += 1)
      await memory.learn(runRecord(`run_${item}`, [[`i${item}`, `You must call Osloship${item} tomorrow`]]));
    const receipt = await memory.consolidate({
      summarise: async (texts) => {
        await memory.forget({ id: 'i3' });
        return texts.join(' ');
      },
    });
    expect(receipt).toMatchObject({ summaries: 0, patterns: 0, refused: ['records changed meanwhile'] });
    const texts = (await memory.list()).map(({ text }) => text).join();
    expect(texts).toContain('Osloship4');
    expect(texts).not.toContain('Osloship3');
    expect((await memory.consolidate()).patterns).toBeGreaterThan(0);
  });

  it('stops waiting for a model that hangs when it is told to stop', async () => {
    for (let item = 0; item < 20; item += 1)
      await memory.learn(runRecord(`run_${item}`, [[`i${item}`, `Ship number ${item} left for Oslo`]]));
    const stop = new AbortController();
    const summarise = (): Promise<string> => {
      stop.abort(new Error('enough'));
      return new Promise(() => undefined);
    };
    await expect(memory.consolidate({ summarise, signal: stop.signal })).rejects.toThrow('enough');
    expect(await memory.list('summary')).toEqual([]);
  });

  it('stops at its budget, changes nothing half way and says so', async () => {
    await memory.remember([{ text: 'x' }, { text: 'x' }]);
    expect(await memory.consolidate({ budgetMs: 0 })).toMatchObject({ merged: 0, complete: false });
    await expect(memory.consolidate({ signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});

describe('validateOperations', () => {
  const stored = (id: string, text: string) => ({ ...sampleRecord(id, { text }), seq: 1, revision: 1 });

  it('refuses to hide most of a memory at once', () => {
    const merged = Array.from({ length: 90 }, (_one, at) => stored(`m${at}`, 'same words'));
    const operation = { kind: 'merge' as const, survivor: stored('s', 'same words'), merged };
    expect(validateOperations([operation], 0.8, 100)).toMatchObject({
      accepted: [],
      refused: ['merging would hide 90 of 100 memories'],
    });
    expect(validateOperations([operation], 0.8, 1_000).accepted).toHaveLength(1);
  });

  it('accepts a text for itself and refuses one that drops a number', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 12 }), fc.integer({ min: 100, max: 99_999 }), (words, number) => {
        const source = stored('a', `${words} ${number}`);
        const merge = (text: string) => ({ kind: 'merge' as const, survivor: stored('s', text), merged: [source] });
        expect(validateOperations([merge(source.text)], 0.8, 100).refused).toEqual([]);
        expect(validateOperations([merge(words)], 0.8, 100).refused).toHaveLength(1);
      }),
      { numRuns: 50 },
    );
  });
});
