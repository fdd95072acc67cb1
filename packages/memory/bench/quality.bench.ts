import { openMemory } from '@genie/memory';
import { heldOutConversations, readConversation, seenConversations } from './conversations.ts';
import { createCorpus, type Dialogue } from './corpus.ts';
import { openPlainFts } from './plain-fts.ts';
import { measure, type Quality, type Search, storeDialogues } from './retrieval.ts';
import { atLeast, info, type Row } from './rows.ts';

interface Options {
  readonly log: (line: string) => void;
}

/** Share of evidence turns found on the corpus of this folder, against plain full text search in the same run. */
export async function bench({ log }: Options): Promise<Row[]> {
  const dialogues = createCorpus({ dialogues: 10, sessions: 20, seed: 2_024 });
  const turns = dialogues.reduce((sum, one) => sum + one.turns.length, 0);
  log(
    `${dialogues.length} dialogues, ${turns} turns, ${dialogues.reduce((sum, one) => sum + one.questions.length, 0)} questions`,
  );
  const apart = await compare(dialogues, (dialogue) => dialogue.name, log);
  const pooled = await compare(dialogues, () => 'all', log);
  const seen = seenConversations.map(readConversation);
  const heldOut = heldOutConversations.map(readConversation);
  log('conversations written by hand: looked at while ranking was made');
  const known = await compare(seen, (dialogue) => dialogue.name, log);
  log('conversations written by hand: held out');
  const unknown = await compare(heldOut, (dialogue) => dialogue.name, log);
  log('all of them in one namespace, with the generated ones');
  const together = await compare([...seen, ...heldOut, ...dialogues], () => 'all', log, [...seen, ...heldOut]);
  return [
    ...rowsOf('memory.quality', 'one namespace each', apart),
    ...rowsOf('memory.quality.pooled', 'all in one namespace', pooled),
    ...conversationRows('memory.quality.seen', 'hand-written conversations', known, reach),
    ...conversationRows('memory.quality.held-out', 'held-out conversations', unknown, reach),
    ...conversationRows(
      'memory.quality.together',
      'hand-written conversations in one namespace with all others',
      together,
      {
        recall10: 0.78,
      },
    ),
  ];
}

/** What a conversation between people has to reach. */
interface Reach {
  readonly recall10: number;
  readonly multi?: number;
  readonly temporal?: number;
  readonly rank?: number;
  readonly session10?: number;
}

const reach: Reach = { recall10: 0.83, multi: 0.5, temporal: 0.85, rank: 0.67, session10: 0.945 };

interface Comparison {
  readonly ours: ReadonlyMap<string, Quality>;
  readonly plain: ReadonlyMap<string, Quality>;
}

async function compare(
  dialogues: readonly Dialogue[],
  namespaceOf: (dialogue: Dialogue) => string,
  log: (line: string) => void,
  asked: readonly Dialogue[] = dialogues,
): Promise<Comparison> {
  const memory = openMemory({ store: ':memory:' });
  await storeDialogues(memory, dialogues, namespaceOf);
  for (const namespace of new Set(dialogues.map(namespaceOf))) await memory.consolidate({ namespace });
  const plain = openPlainFts(
    dialogues.flatMap((dialogue) => dialogue.turns.map((turn) => ({ ...turn, namespace: namespaceOf(dialogue) }))),
  );
  const ask = (searchIn: (namespace: string) => Search) =>
    measureAll(asked, (dialogue) => searchIn(namespaceOf(dialogue)));
  const ours = await ask(
    (namespace) => async (question, k) => (await memory.recall(question, { k, namespace })).items.map(({ id }) => id),
  );
  const baseline = await ask((namespace) => plain.search(namespace));
  await memory.close();
  plain.close();
  for (const [kind, quality] of ours) log(line(kind, quality, baseline.get(kind)));
  return { ours, plain: baseline };
}

async function measureAll(
  dialogues: readonly Dialogue[],
  searchOf: (dialogue: Dialogue) => Search,
): Promise<Map<string, Quality>> {
  const byQuestion = dialogues.flatMap((dialogue) =>
    dialogue.questions.map((question) => ({ question, search: searchOf(dialogue) })),
  );
  let at = 0;
  return measure(
    byQuestion.map(({ question }) => question),
    (text, k) => {
      const search = byQuestion[at]?.search;
      at += 1;
      return search ? search(text, k) : Promise.resolve([]);
    },
  );
}

function line(
  kind: string,
  { questions, recall5, recall10, recall20, reciprocalRank }: Quality,
  plain: Quality | undefined,
): string {
  const shares = [recall5, recall10, recall20, reciprocalRank].map((value) => value.toFixed(3)).join(' ');
  return `${kind.padEnd(9)} ${String(questions).padStart(4)} questions, recall@5/10/20 and MRR ${shares}, plain full text recall@10 ${plain?.recall10.toFixed(3)}`;
}

function rowsOf(id: string, where: string, { ours, plain }: Comparison): Row[] {
  const all = ours.get('all');
  const base = plain.get('all');
  if (!all || !base) return [];
  return [
    // The generated corpus asks in other words than the answers use, so full text alone finds little; what counts is the distance to it.
    atLeast(
      `${id}.recall10-ratio`,
      `recall@10 of evidence, ${where}, over plain full text`,
      all.recall10 / base.recall10,
      '×',
      1.8,
    ),
    info(`${id}.recall10`, `recall@10, ${where}`, all.recall10, 'share'),
    ...restOf(id, where, ours, all),
  ];
}

/** Of a conversation as people write them, the figures themselves. */
function conversationRows(id: string, where: string, { ours, plain }: Comparison, reached: Reach): Row[] {
  const all = ours.get('all');
  if (!all) return [];
  const asked = (name: string, what: string, value: number | undefined, least: number | undefined): Row[] =>
    value === undefined || least === undefined
      ? []
      : [atLeast(`${id}.${name}`, `${what}, ${where}`, value, 'share', least)];
  const rows = [
    ...asked('recall10', 'recall@10 of evidence', all.recall10, reached.recall10),
    ...asked('recall10.multi', 'recall@10 of multi questions', ours.get('multi')?.recall10, reached.multi),
    ...asked('recall10.temporal', 'recall@10 of temporal questions', ours.get('temporal')?.recall10, reached.temporal),
    ...asked('mrr', 'mean reciprocal rank', all.reciprocalRank, reached.rank),
    ...asked('session10', 'right session in the top 10', all.session10, reached.session10),
    info(`${id}.plain.recall10`, `the same by plain full text`, plain.get('all')?.recall10 ?? 0, 'share'),
  ];
  const known = new Set(rows.map((row) => row.id));
  return [...rows, ...restOf(id, where, ours, all).filter((row) => !known.has(row.id))];
}

function restOf(id: string, where: string, ours: Comparison['ours'], all: Quality): Row[] {
  const kinds = [...ours].filter(([kind]) => kind !== 'all');
  return [
    info(`${id}.recall5`, `recall@5, ${where}`, all.recall5, 'share'),
    info(`${id}.recall20`, `recall@20, ${where}`, all.recall20, 'share'),
    info(`${id}.mrr`, `mean reciprocal rank, ${where}`, all.reciprocalRank, 'share'),
    info(`${id}.session10`, `right session in the top 10, ${where}`, all.session10, 'share'),
    ...kinds.map(([kind, one]) =>
      info(`${id}.recall10.${kind}`, `recall@10 of ${kind} questions, ${where}`, one.recall10, 'share'),
    ),
    ...kinds.map(([kind, one]) =>
      info(`${id}.mrr.${kind}`, `mean reciprocal rank of ${kind} questions, ${where}`, one.reciprocalRank, 'share'),
    ),
  ];
}
