import { describe, expect, it } from 'vitest';
import { type ChainCall, findToolChains } from './find-tool-chains.ts';

const call = (runId: string, tool: string, input: object, output: unknown = ''): ChainCall => ({
  runId,
  tool,
  input: input as ChainCall['input'],
  output: output as ChainCall['output'],
});
const lookUp = (runId: string, word: string): readonly ChainCall[] => [
  call(runId, 'search', { query: word, limit: 5 }, [{ path: `/notes/${word}.md` }]),
  call(runId, 'read', { path: `/notes/${word}.md` }, `about ${word}`),
];

describe('findToolChains', () => {
  it('says what is fixed, what comes from an earlier step and what is given from outside', () => {
    const calls = [
      ...lookUp('r1', 'bridge'),
      ...lookUp('r1', 'harbour'),
      call('r2', 'other', {}),
      ...lookUp('r2', 'ferry'),
    ];
    expect(findToolChains(calls)).toEqual([
      {
        id: expect.any(String),
        times: 3,
        runs: 2,
        worth: 'playbook',
        steps: [
          { tool: 'search', fixed: { limit: 5 }, fromStep: {}, parameters: ['query'] },
          { tool: 'read', fixed: {}, fromStep: { path: 0 }, parameters: [] },
        ],
      },
    ]);
  });

  it('takes a chain that comes back in run after run for a skill', () => {
    const calls = ['r1', 'r2', 'r3'].flatMap((run) => lookUp(run, `word-${run}`));
    expect(findToolChains(calls)).toEqual([expect.objectContaining({ worth: 'skill', runs: 3 })]);
  });

  it('finds nothing in what happened twice, in one tool over and over, or across runs', () => {
    expect(findToolChains([...lookUp('r1', 'a'), ...lookUp('r2', 'b')])).toEqual([]);
    expect(findToolChains(Array.from({ length: 9 }, () => call('r1', 'read', {})))).toEqual([]);
    const split = ['r1', 'r3', 'r5'].flatMap((run) => [call(run, 'search', {}), call(`${run}x`, 'read', {})]);
    expect(findToolChains(split)).toEqual([]);
  });

  it('leaves out parts of a longer chain, and keeps one that also happens alone', () => {
    const long = (run: string) => [...lookUp(run, `long-${run}`), call(run, 'write', { text: run })];
    const three = ['r1', 'r2', 'r3'].flatMap(long);
    expect(findToolChains(three).map(({ steps }) => steps.length)).toEqual([3]);
    const more = [...three, ...lookUp('r4', 'alone')];
    expect(findToolChains(more).map(({ steps, times }) => [steps.length, times])).toEqual([
      [2, 4],
      [3, 3],
    ]);
  });
});
