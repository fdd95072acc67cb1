import { readFileSync } from 'node:fs';
import type { CorpusQuestion, Dialogue, Turn } from './corpus.ts';

/** Conversations that ranking was looked at with: their figures show that nothing got worse. */
export const seenConversations = ['letters', 'market', 'renata-oskar', 'dev-hollis', 'grace-femi'] as const;
/** Written after ranking was settled; it never set a constant or a word list. */
export const heldOutConversations = ['yara-tom'] as const;

/**
 * Reads a conversation written by hand: `# session | time`, then `speaker: text`; after `??` its questions as
 * `kind | question | evidence`, evidence as `session:turn`, turns counted from 1.
 */
export function readConversation(name: string): Dialogue {
  const script = readFileSync(new URL(`dialogues/${name}.txt`, import.meta.url), 'utf8');
  const [talk = '', asked = ''] = script.split('\n??\n');
  const turns = readTurns(name, talk);
  const known = new Set(turns.map(({ id }) => id));
  const questions = asked
    .trim()
    .split('\n')
    .map((line) => readQuestion(name, line));
  for (const { text, evidence } of questions) {
    const missing = evidence.find((id) => !known.has(id));
    if (missing !== undefined) throw new Error(`"${text}" of ${name} names the turn ${missing}, which does not exist.`);
  }
  return { name, turns, questions };
}

function readTurns(name: string, talk: string): Turn[] {
  const turns: Turn[] = [];
  let session = { number: '0', eventTime: 0, count: 0 };
  for (const line of talk.trim().split('\n')) {
    const header = /^# (\d+) \| (.+)$/.exec(line);
    if (header) {
      session = { number: header[1] ?? '', eventTime: Date.parse(`${header[2]}Z`), count: 0 };
      continue;
    }
    const [speaker = '', text = ''] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)];
    session.count += 1;
    const id = `${name}:D${session.number}:${session.count}`;
    turns.push({ id, text, speaker, eventTime: session.eventTime, source: `${name}/session-${session.number}` });
  }
  return turns;
}

function readQuestion(name: string, line: string): CorpusQuestion {
  const [kind = '', text = '', evidence = ''] = line.split(' | ');
  return {
    kind: kind as CorpusQuestion['kind'],
    text,
    evidence: evidence
      .trim()
      .split(/\s+/)
      .map((place) => `${name}:D${place}`),
  };
}
