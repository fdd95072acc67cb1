import type { Memory } from '@genie/memory';
import type { CorpusQuestion, Dialogue, QuestionKind } from './corpus.ts';

export interface Quality {
  readonly questions: number;
  readonly recall5: number;
  readonly recall10: number;
  readonly recall20: number;
  readonly reciprocalRank: number;
  /** Share of questions for which a turn of an evidence session is in the top 10. */
  readonly session10: number;
}

export type Search = (question: string, k: number) => Promise<readonly string[]>;

export async function storeDialogues(
  memory: Memory,
  dialogues: readonly Dialogue[],
  namespaceOf: (dialogue: Dialogue) => string,
): Promise<void> {
  for (const dialogue of dialogues) {
    await memory.remember(dialogue.turns.map((turn) => ({ ...turn, namespace: namespaceOf(dialogue) })));
  }
}

export async function measure(
  questions: readonly CorpusQuestion[],
  search: Search,
): Promise<Map<QuestionKind | 'all', Quality>> {
  const sums = new Map<QuestionKind | 'all', { count: number; values: number[] }>();
  for (const question of questions) {
    const ids = await search(question.text, 20);
    const values = [
      ...[5, 10, 20].map((k) => share(question.evidence, ids.slice(0, k))),
      reciprocal(question.evidence, ids),
      sessionHit(question.evidence, ids.slice(0, 10)),
    ];
    for (const kind of [question.kind, 'all'] as const) {
      const sum = sums.get(kind) ?? { count: 0, values: values.map(() => 0) };
      sum.count += 1;
      values.forEach((value, at) => {
        sum.values[at] = (sum.values[at] ?? 0) + value;
      });
      sums.set(kind, sum);
    }
  }
  return new Map([...sums].map(([kind, { count, values }]) => [kind, toQuality(count, values)]));
}

function toQuality(count: number, values: readonly number[]): Quality {
  const [recall5 = 0, recall10 = 0, recall20 = 0, reciprocalRank = 0, session10 = 0] = values.map(
    (value) => value / count,
  );
  return { questions: count, recall5, recall10, recall20, reciprocalRank, session10 };
}

function share(evidence: readonly string[], found: readonly string[]): number {
  return evidence.filter((id) => found.includes(id)).length / evidence.length;
}

function reciprocal(evidence: readonly string[], found: readonly string[]): number {
  const at = found.findIndex((id) => evidence.includes(id));
  return at < 0 ? 0 : 1 / (at + 1);
}

function sessionHit(evidence: readonly string[], found: readonly string[]): number {
  const sessionOf = (id: string): string => id.split(':').slice(0, 2).join(':');
  const wanted = new Set(evidence.map(sessionOf));
  return found.some((id) => wanted.has(sessionOf(id))) ? 1 : 0;
}
