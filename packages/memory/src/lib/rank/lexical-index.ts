import type { StoredRecord, Tier } from '../store/record.ts';
import { tiers } from '../store/record.ts';
import { fold, tokenize } from '../text/tokenize.ts';
import { ranking } from './constants.ts';
import { featuresOf } from './features.ts';
import { Growing } from './growing.ts';

export interface Posting {
  readonly docs: Growing<Int32Array>;
  readonly counts: Growing<Uint8Array>;
}

/** Columns of the index, one entry per document in insertion order, so that neighbours are neighbours. */
export interface DocumentColumns {
  readonly length: Growing<Float32Array>;
  readonly session: Growing<Int32Array>;
  readonly speaker: Growing<Int32Array>;
  readonly kind: Growing<Int32Array>;
  readonly tier: Growing<Uint8Array>;
  readonly features: Growing<Uint8Array>;
  readonly live: Growing<Uint8Array>;
  readonly time: Growing<Float64Array>;
  readonly recordedAt: Growing<Float64Array>;
  readonly retiredAt: Growing<Float64Array>;
  readonly importance: Growing<Float32Array>;
}

export interface IndexState {
  readonly columns: DocumentColumns;
  readonly ids: string[];
  readonly postings: Map<string, Posting>;
  readonly speakers: string[];
  readonly kinds: string[];
  readonly sessionLength: Growing<Float32Array>;
  totalLength: number;
  liveCount: number;
  lastSource: string;
}

/**
 * The inverted index of one namespace, in memory. It is derived: everything in it can be built again from the records,
 * and a record that is gone there is gone here after the next catch-up.
 */
export class LexicalIndex {
  readonly state: IndexState;
  #removed = 0;
  readonly #docById = new Map<string, number>();
  readonly #speakerByName = new Map<string, number>();
  readonly #kindByName = new Map<string, number>();

  constructor(state: IndexState = emptyState()) {
    this.state = state;
    for (let doc = 0; doc < state.ids.length; doc += 1) {
      if (state.columns.live.values[doc] !== 0) this.#docById.set(state.ids[doc] ?? '', doc);
    }
    state.speakers.forEach((name, index) => {
      this.#speakerByName.set(name, index);
    });
    state.kinds.forEach((name, index) => {
      this.#kindByName.set(name, index);
    });
  }

  get size(): number {
    return this.state.ids.length;
  }

  /** Documents that were removed since the last `purge`. */
  get removedCount(): number {
    return this.#removed;
  }

  docOf(id: string): number | undefined {
    return this.#docById.get(id);
  }

  speakerNamed(name: string): number | undefined {
    return this.#speakerByName.get(fold(name));
  }

  kindNamed(name: string): number | undefined {
    return this.#kindByName.get(name);
  }

  tierAt(doc: number): Tier {
    return tiers[this.state.columns.tier.values[doc] ?? 0] ?? 'associative';
  }

  /** Adds a record, or replaces it. Unchanged words keep their place and with it their neighbours. */
  put(record: StoredRecord): void {
    const { columns } = this.state;
    const known = this.#docById.get(record.id);
    if (known !== undefined) {
      const terms = termsOf(record);
      if (this.#sameTerms(known, terms)) {
        columns.live.values[known] = record.status === 'live' ? 1 : 2;
        columns.retiredAt.values[known] = record.retiredAt ?? Number.POSITIVE_INFINITY;
        columns.importance.values[known] = record.importance;
        columns.time.values[known] = record.eventTime ?? Number.NaN;
        return;
      }
      this.remove(record.id);
    }
    this.#append(record);
  }

  remove(id: string): void {
    const doc = this.#docById.get(id);
    if (doc === undefined) return;
    const { columns } = this.state;
    columns.live.values[doc] = 0;
    this.state.totalLength -= columns.length.values[doc] ?? 0;
    this.state.liveCount -= 1;
    this.#removed += 1;
    this.#docById.delete(id);
  }

  /** Removes what a removed document left behind. Afterwards no term of it is in memory or in the cache. */
  purge(): void {
    const { columns, postings, ids } = this.state;
    const isLive = columns.live.values;
    this.#removed = 0;
    for (const [term, posting] of postings) {
      let kept = 0;
      for (let at = 0; at < posting.docs.length; at += 1) {
        const doc = posting.docs.values[at] ?? 0;
        if (isLive[doc] === 0) continue;
        posting.docs.values[kept] = doc;
        posting.counts.values[kept] = posting.counts.values[at] ?? 0;
        kept += 1;
      }
      posting.docs.length = kept;
      posting.counts.length = kept;
      if (kept === 0) postings.delete(term);
    }
    for (let doc = 0; doc < ids.length; doc += 1) if (isLive[doc] === 0) ids[doc] = '';
  }

  #append(record: StoredRecord): void {
    const { columns, ids } = this.state;
    const doc = ids.length;
    const session = this.#sessionFor(record, doc);
    const counts = countTerms(termsOf(record));
    let length = 0;
    for (const [term, count] of counts) {
      length += count;
      this.#posting(term).docs.push(doc);
      this.#posting(term).counts.push(Math.min(255, count));
    }
    ids.push(record.id);
    columns.length.push(length);
    columns.session.push(session);
    columns.speaker.push(record.speaker === undefined ? -1 : this.#speakerNumber(record.speaker));
    columns.kind.push(this.#kindNumber(record.kind));
    columns.tier.push(Math.max(0, tiers.indexOf(record.tier)));
    columns.features.push(featuresOf(record.text));
    columns.live.push(record.status === 'live' ? 1 : 2);
    columns.time.push(record.eventTime ?? Number.NaN);
    columns.recordedAt.push(record.recordedAt);
    columns.retiredAt.push(record.retiredAt ?? Number.POSITIVE_INFINITY);
    columns.importance.push(record.importance);
    this.state.totalLength += length;
    this.state.liveCount += 1;
    if (session >= 0) {
      const sessions = this.state.sessionLength;
      while (sessions.length <= session) sessions.push(0);
      sessions.values[session] = (sessions.values[session] ?? 0) + length;
    }
    this.#docById.set(record.id, doc);
  }

  /**
   * Turns belong to one session while they come from the same source (numbers in its name aside, since many sources
   * number their turns) without a long pause. Memories that name neither speaker nor source have no session.
   */
  #sessionFor(record: StoredRecord, doc: number): number {
    if (record.tier !== 'associative' || (record.speaker === undefined && record.source === undefined)) {
      this.state.lastSource = '\u0000';
      return -1;
    }
    const source = (record.source ?? '').replace(/\d+/g, '#');
    const previous = this.state.columns.session.values[doc - 1] ?? -1;
    const pause = Math.abs((this.state.columns.time.values[doc - 1] ?? Number.NaN) - (record.eventTime ?? Number.NaN));
    const same = doc > 0 && previous >= 0 && source === this.state.lastSource && !(pause > ranking.sessionGapMs);
    this.state.lastSource = source;
    return same ? previous : this.state.sessionLength.length;
  }

  #sameTerms(doc: number, terms: readonly string[]): boolean {
    if ((this.state.columns.length.values[doc] ?? 0) !== terms.length) return false;
    for (const [term, count] of countTerms(terms)) {
      const posting = this.state.postings.get(term);
      if (!posting) return false;
      const at = positionOf(posting.docs, doc);
      if (at < 0 || posting.counts.values[at] !== Math.min(255, count)) return false;
    }
    return true;
  }

  #posting(term: string): Posting {
    let posting = this.state.postings.get(term);
    if (!posting) {
      posting = { docs: new Growing(new Int32Array(2), 0), counts: new Growing(new Uint8Array(2), 0) };
      this.state.postings.set(term, posting);
    }
    return posting;
  }

  #speakerNumber(name: string): number {
    return numberOf(fold(name), this.#speakerByName, this.state.speakers);
  }

  #kindNumber(name: string): number {
    return numberOf(name, this.#kindByName, this.state.kinds);
  }
}

function numberOf(name: string, byName: Map<string, number>, names: string[]): number {
  let index = byName.get(name);
  if (index === undefined) {
    index = names.length;
    names.push(name);
    byName.set(name, index);
  }
  return index;
}

function positionOf(docs: Growing<Int32Array>, doc: number): number {
  let low = 0;
  let high = docs.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = docs.values[middle] ?? 0;
    if (found === doc) return middle;
    if (found < doc) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** What of a record is searchable: its text, and for facts the subject, the relation and the value. */
export function termsOf(record: Pick<StoredRecord, 'text' | 'subject' | 'relation' | 'object'>): string[] {
  if (record.subject === undefined) return tokenize(record.text);
  return tokenize(`${record.text}\n${record.subject} ${(record.relation ?? '').replace(/[-_.]/g, ' ')}`);
}

function countTerms(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

export function emptyState(): IndexState {
  return {
    columns: {
      length: new Growing(new Float32Array(16), 0),
      session: new Growing(new Int32Array(16), 0),
      speaker: new Growing(new Int32Array(16), 0),
      kind: new Growing(new Int32Array(16), 0),
      tier: new Growing(new Uint8Array(16), 0),
      features: new Growing(new Uint8Array(16), 0),
      live: new Growing(new Uint8Array(16), 0),
      time: new Growing(new Float64Array(16), 0),
      recordedAt: new Growing(new Float64Array(16), 0),
      retiredAt: new Growing(new Float64Array(16), 0),
      importance: new Growing(new Float32Array(16), 0),
    },
    ids: [],
    postings: new Map(),
    speakers: [],
    kinds: [],
    sessionLength: new Growing(new Float32Array(8), 0),
    totalLength: 0,
    liveCount: 0,
    lastSource: '\u0000',
  };
}
