import { describe, expect, it } from 'vitest';
import { readGoal } from './goal.ts';
import { rankFindings } from './rank.ts';
import { readPrompt } from './read-prompt.ts';

const finding = (title: string) => ({ title, text: `${title}.`, citations: [], date: '2026-03-01' }) as never;

describe('rankFindings', () => {
  it('puts what was asked for above all first, every word of a term needed', () => {
    const findings = [finding('The parser of the project is faster'), finding('Notes on llama.cpp and memory')];
    const titles = (lookFor: readonly string[]) =>
      rankFindings(findings, { query: 'What is new in the parser project', lookFor, known: [] }).map(
        ({ finding: { title } }) => title,
      );
    expect(titles([])[0]).toContain('parser');
    expect(titles(['Llama.cpp memory'])[0]).toContain('llama.cpp');
    expect(titles(['llama.cpp prices'])[0]).toContain('parser');
    expect(titles([' ', '?'])[0]).toContain('parser');
  });
});

describe('a note of a few words', () => {
  it.each([
    ['# Ideas\n\n- Try a lamp\n- Buy bulbs\n', 'Try a lamp; Buy bulbs'],
    ['# Ideas\n', ''],
    ['Ideas', ''],
    [`# Ideas\n\nCall Mara.\n\n${'x'.repeat(500)}`, 'Call Mara.'],
  ])('%j is quoted in its order', (text, sentence) => {
    const [ranked] = rankFindings([{ ...(finding('Ideas') as object), text } as never], { query: 'notes', known: [] });
    expect(ranked?.sentence).toBe(sentence);
  });
});

describe('# Look for', () => {
  it('is read from the system prompt, list lines only', () => {
    const goal = readGoal(
      readPrompt([
        {
          role: 'system',
          content: 'You are a genie.\n\n# Look for\n\n- llama.cpp\n- LoRA adapters\n\n# What always holds\n- x',
        },
        { role: 'user', content: [{ type: 'text', text: '# Goal\n\nBrief me' }] },
      ]),
    );
    expect(goal.lookFor).toEqual(['llama.cpp', 'LoRA adapters']);
    expect(goal.goal).toBe('Brief me');
  });
});
