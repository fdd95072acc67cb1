import { collections, distractors, scenarios, smallTalk } from './scenarios.ts';

export interface Turn {
  readonly id: string;
  readonly text: string;
  readonly speaker: string;
  /** Epoch ms. */
  readonly eventTime: number;
  readonly source: string;
}

export type QuestionKind = 'single' | 'multi' | 'temporal' | 'open' | 'changed' | 'adversarial';

export interface CorpusQuestion {
  readonly kind: QuestionKind;
  readonly text: string;
  readonly evidence: readonly string[];
}

export interface Dialogue {
  readonly name: string;
  readonly turns: readonly Turn[];
  readonly questions: readonly CorpusQuestion[];
}

const dayMs = 86_400_000;
const names = [
  'Ines',
  'Tomas',
  'Priya',
  'Jonah',
  'Freya',
  'Luca',
  'Amara',
  'Viktor',
  'Salma',
  'Owen',
  'Greta',
  'Idris',
];
const drinks = ['green tea', 'black coffee', 'oat milk cocoa', 'ginger lemonade'];
const relativeDays: readonly (readonly [string, number])[] = [
  ['yesterday', 1],
  ['last Friday', 3],
  ['two days ago', 2],
  ['last week', 7],
  ['last weekend', 4],
];

/** A repeatable source of numbers in [0, 1): mulberry32, public domain, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Long dialogues of two people over a year, with known evidence. The same seed gives the same corpus. */
export function createCorpus(options: {
  readonly dialogues: number;
  readonly sessions: number;
  readonly seed: number;
}): Dialogue[] {
  return Array.from({ length: options.dialogues }, (_, at) =>
    createDialogue(at, options.sessions, createRandom(options.seed + at)),
  );
}

interface Draft {
  readonly name: string;
  readonly people: readonly [string, string];
  readonly random: () => number;
  readonly planned: Map<number, (session: SessionDraft) => void>[];
  readonly turns: Turn[];
  readonly questions: CorpusQuestion[];
}

interface SessionDraft {
  readonly number: number;
  readonly at: number;
  say(speaker: string, text: string): string;
}

function createDialogue(number: number, sessions: number, random: () => number): Dialogue {
  const first = names[(number * 2) % names.length] ?? '';
  const second = names[(number * 2 + 1) % names.length] ?? '';
  const draft: Draft = {
    name: `dialogue-${number + 1}`,
    people: [first, second],
    random,
    planned: [],
    turns: [],
    questions: [],
  };
  const plan: ((session: SessionDraft) => void)[][] = Array.from({ length: sessions }, () => []);
  const place = (work: (session: SessionDraft) => void): void => {
    plan[Math.floor(random() * sessions)]?.push(work);
  };
  for (const person of draft.people) {
    planScenarios(draft, person, place);
    planCollections(draft, person, plan);
    planChange(draft, person, plan);
  }
  let at = Date.UTC(2024, number % 12, 3, 15);
  plan.forEach((works, index) => {
    at += Math.floor(6 + random() * 12) * dayMs + Math.floor(random() * 8 - 4) * 3_600_000;
    writeSession(draft, { number: index + 1, at, works });
  });
  return { name: draft.name, turns: draft.turns, questions: draft.questions };
}

function planScenarios(draft: Draft, person: string, place: (work: (session: SessionDraft) => void) => void): void {
  const { random } = draft;
  for (const scenario of scenarios) {
    const values = Object.fromEntries(
      Object.entries(scenario.slots).map(([slot, options]) => [slot, pick(options, random)]),
    );
    place((session) => {
      const [when, daysAgo] = pick(relativeDays, random);
      const fill = (text: string): string => fillIn(text, { ...values, me: person, when });
      if (random() < 0.75) session.say(otherThan(draft, person), fill(pick(scenario.lead, random)));
      const told = fill(pick(scenario.tell, random));
      const id = session.say(
        person,
        capitalise(random() < 0.5 ? told : `${told} ${pick(smallTalk.slice(6, 18), random).replace(', {other}', '')}`),
      );
      draft.questions.push({ kind: scenario.kind, text: fill(pick(scenario.ask, random)), evidence: [id] });
      if (scenario.kind === 'temporal' && random() < 0.5) {
        const day = new Date(session.at - daysAgo * dayMs);
        const month = day.toLocaleString('en-GB', { month: 'long', timeZone: 'UTC' });
        draft.questions.push({
          kind: 'temporal',
          text: `What happened to ${person} around ${day.getUTCDate()} ${month} ${day.getUTCFullYear()}?`,
          evidence: [id],
        });
      }
    });
  }
}

function planCollections(draft: Draft, person: string, plan: ((session: SessionDraft) => void)[][]): void {
  for (const { ask, members } of collections) {
    const evidence: string[] = [];
    const own = draft.random() < 0.5 ? members.slice(0, 3) : members;
    for (const member of own) {
      plan[Math.floor(draft.random() * plan.length)]?.push((session) => {
        evidence.push(session.say(person, member));
      });
    }
    draft.questions.push({ kind: 'multi', text: fillIn(pick(ask, draft.random), { me: person }), evidence });
  }
}

/** A preference that changes: the later statement is the answer to what holds now. */
function planChange(draft: Draft, person: string, plan: ((session: SessionDraft) => void)[][]): void {
  const half = Math.floor(plan.length / 2);
  const [before, after] = draft.random() < 0.5 ? [drinks[0], drinks[1]] : [drinks[2], drinks[3]];
  const evidence: string[] = [];
  plan[Math.floor(draft.random() * half)]?.push((session) => {
    evidence.push(session.say(person, `Nothing beats ${before} in the morning for me.`));
  });
  plan[half + Math.floor(draft.random() * (plan.length - half))]?.push((session) => {
    evidence.push(session.say(person, `I gave up ${before}, these days it has to be ${after}.`));
  });
  draft.questions.push({ kind: 'changed', text: `Which drink does ${person} prefer?`, evidence });
}

function writeSession(
  draft: Draft,
  plan: { number: number; at: number; works: readonly ((session: SessionDraft) => void)[] },
): void {
  let count = 0;
  const say = (speaker: string, text: string): string => {
    count += 1;
    const id = `${draft.name}:D${plan.number}:${count}`;
    draft.turns.push({ id, text, speaker, eventTime: plan.at, source: `${draft.name}/session-${plan.number}` });
    return id;
  };
  const chat = (lines: number): void => {
    for (let line = 0; line < lines; line += 1) {
      const speaker = draft.people[count % 2] ?? '';
      const pool = draft.random() < 0.1 ? distractors : smallTalk;
      say(speaker, fillIn(pick(pool, draft.random), { other: otherThan(draft, speaker) }));
    }
  };
  chat(3);
  for (const work of plan.works) {
    work({ number: plan.number, at: plan.at, say });
    chat(1 + Math.floor(draft.random() * 4));
  }
  chat(4);
}

function otherThan(draft: Draft, person: string): string {
  return draft.people[0] === person ? draft.people[1] : draft.people[0];
}

function pick<Value>(values: readonly Value[], random: () => number): Value {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('pick needs at least one value');
  return value;
}

function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
