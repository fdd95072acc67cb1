import { describe, expect, it } from 'vitest';
import { openMemory } from '../open-memory.ts';

async function firstFor(question: string, turns: readonly (readonly [string, string, string])[]): Promise<string> {
  const memory = openMemory({ store: ':memory:' });
  await memory.remember(
    turns.map(([speaker, text, eventTime], at) => ({ id: `${at}`, text, speaker, eventTime, source: eventTime })),
  );
  const { items } = await memory.recall(question, { k: 1 });
  await memory.close();
  return items[0]?.text ?? '';
}

const day = '2022-02-03';

describe('recall', () => {
  it('finds what is said of a person as "she" after the name', async () => {
    const found = await firstFor('What does Marta do for a living?', [
      ['Ann', 'I met Marta yesterday.', day],
      ['Ann', 'She runs a physio practice these days.', day],
      ['Bo', 'Marta waved at me from the tram.', '2022-04-01'],
      ['Bo', 'Marta likes tea.', '2022-05-01'],
    ]);
    expect(found).toContain('physio');
  });

  it('reads "early 2022" as a time and not as a topic', async () => {
    const found = await firstFor('What hobby did Ann take up in early 2022?', [
      ['Ann', 'I finally started a pottery class.', day],
      ['Bo', 'It is early, and early birds sing.', '2023-06-01'],
      ['Ann', 'An early night for me.', '2023-06-01'],
    ]);
    expect(found).toContain('pottery');
  });

  it('asks for an age, not for something old', async () => {
    const found = await firstFor("How old is Ann's son?", [
      ['Ann', 'My son turned nine on Sunday.', day],
      ['Ann', 'My son found an old coin in the old barn.', '2022-04-01'],
    ]);
    expect(found).toContain('nine');
  });

  it.each([
    ['What did Ann celebrate?', 'We celebrated our tenth anniversary.'],
    ['Which promotion did Ann get?', 'They promoted me to head nurse.'],
    ['When was the proposal?', 'He proposed on the ferry.'],
    ['What is her favourite colour?', 'My favorite color is teal.'],
  ])('%s finds "%s"', async (question, text) => {
    const others = ['I watered the plants.', 'The bus was late again.', 'My brother phoned from Oslo.', 'We had soup.'];
    const turns = [...others, text].map((one, at) => ['Ann', one, `2022-0${at + 1}-01`] as const);
    expect(await firstFor(question, turns)).toBe(text);
  });
});
