import { GenieError } from '@genie/core/errors';
import { LexicalIndex } from './rank/lexical-index.ts';
import type { QueryTerm } from './rank/question.ts';
import { Scratch } from './rank/score.ts';
import type { RecordStore } from './store/record-store.ts';

const pageSize = 10_000;
/** Removed documents answer nothing at once; clearing what they leave in memory costs a pass over the index, so it is done for many. */
const purgeAbove = 1_000;
/** How often a file is written again because the records changed meanwhile. */
const saveAttempts = 3;

export interface CachedIndex {
  readonly index: LexicalIndex;
  /** The last change that is in the index. */
  readonly revision: number;
  readonly associations: ReadonlyMap<string, readonly QueryTerm[]> | undefined;
}

/** Where an index is kept between processes. A cache: losing it costs time only. */
export interface IndexCache {
  load(namespace: string): Promise<CachedIndex | undefined>;
  save(namespace: string, cached: CachedIndex): Promise<void>;
  drop(): Promise<void>;
}

export interface NamespaceIndex {
  index: LexicalIndex;
  /** The last change that is in the index. */
  revision: number;
  readonly scratch: Scratch;
  associations: ReadonlyMap<string, readonly QueryTerm[]> | undefined;
  readonly accesses: Map<string, number>;
  dirty: boolean;
}

/** One index for each namespace, so that no query can see another one's words, not even through rarity. */
export class IndexSet {
  readonly #store: RecordStore;
  readonly #cache: IndexCache | undefined;
  readonly #open = new Map<string, NamespaceIndex>();
  readonly #pending = new Map<string, Promise<NamespaceIndex>>();

  constructor(store: RecordStore, cache?: IndexCache) {
    this.#store = store;
    this.#cache = cache;
  }

  /** The index of a namespace with every committed change in it. */
  async current(namespace: string): Promise<NamespaceIndex> {
    const found = this.#open.get(namespace);
    if (found && found.revision === (await this.#store.revision(namespace)) && !this.#pending.has(namespace))
      return found;
    const before = this.#pending.get(namespace);
    const next = (before ?? Promise.resolve()).catch(() => undefined).then(() => this.#catchUp(namespace));
    this.#pending.set(namespace, next);
    try {
      return await next;
    } finally {
      if (this.#pending.get(namespace) === next) this.#pending.delete(namespace);
    }
  }

  /** Forgets the index in memory and on disk; the next read builds it from the records. */
  async rebuild(): Promise<void> {
    this.#open.clear();
    await this.#cache?.drop();
  }

  /** After records were forgotten: no word of them stays in a cache file, and soon none in memory. */
  async purge(namespace: string): Promise<void> {
    const { index } = await this.current(namespace);
    if (index.removedCount > purgeAbove) index.purge();
    for (const one of this.#open.values()) one.associations = undefined;
    await this.#cache?.drop();
    for (const one of this.#open.values()) one.dirty = true;
  }

  opened(): ReadonlyMap<string, NamespaceIndex> {
    return this.#open;
  }

  async save(): Promise<void> {
    for (const [namespace, one] of this.#open) if (one.dirty) await this.#saveCurrent(namespace);
  }

  /** Another process may forget what is in this index: a file with its words must not outlive that. */
  async #saveCurrent(namespace: string): Promise<void> {
    for (let attempt = 0; attempt < saveAttempts; attempt += 1) {
      const one = await this.current(namespace);
      one.index.purge();
      await this.#cache?.save(namespace, one);
      one.dirty = false;
      if (one.revision === (await this.#store.revision(namespace))) return;
    }
    await this.#cache?.drop();
  }

  async #catchUp(namespace: string): Promise<NamespaceIndex> {
    const target = this.#open.get(namespace) ?? (await this.#load(namespace));
    this.#open.set(namespace, target);
    for (;;) {
      const changes = await this.#store.changes(namespace, target.revision, pageSize);
      for (const id of changes.removed) target.index.remove(id);
      for (const record of changes.records) target.index.put(record);
      if (changes.records.length > 0 || changes.removed.length > 0) target.dirty = true;
      if (changes.revision < target.revision) {
        throw new GenieError(
          'GENIE_MEMORY_STORE',
          'The record store answered with changes older than those asked for.',
        );
      }
      const done = changes.revision === target.revision || changes.records.length < pageSize;
      target.revision = changes.revision;
      if (done) return target;
      await letOthersRun();
    }
  }

  async #load(namespace: string): Promise<NamespaceIndex> {
    const cached = await this.#cache?.load(namespace);
    if (cached) return toNamespaceIndex(cached, false);
    const revision = await this.#store.revision(namespace);
    const index = new LexicalIndex();
    let afterSeq: number | undefined;
    for (;;) {
      const page = await this.#store.find({
        namespace,
        limit: pageSize,
        ...(afterSeq === undefined ? {} : { afterSeq }),
      });
      for (const record of page) index.put(record);
      await letOthersRun();
      afterSeq = page.at(-1)?.seq;
      if (page.length < pageSize) return toNamespaceIndex({ index, revision, associations: undefined }, true);
    }
  }
}

/** A large index takes seconds to build; timers and other calls of the process go on between pages. */
function letOthersRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function toNamespaceIndex(cached: CachedIndex, dirty: boolean): NamespaceIndex {
  return { ...cached, scratch: new Scratch(), accesses: new Map(), dirty };
}
