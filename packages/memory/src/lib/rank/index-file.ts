import { bytesOf, joinBlocks, splitBlocks, viewAs } from '../checked-blocks.ts';
import { analysisVersion } from '../text/tokenize.ts';
import { Growing } from './growing.ts';
import type { DocumentColumns, IndexState, Posting } from './lexical-index.ts';
import type { QueryTerm } from './question.ts';

const columnTypes = {
  length: Float32Array,
  session: Int32Array,
  speaker: Int32Array,
  kind: Int32Array,
  tier: Uint8Array,
  features: Uint8Array,
  live: Uint8Array,
  time: Float64Array,
  recordedAt: Float64Array,
  retiredAt: Float64Array,
  importance: Float32Array,
} as const satisfies { readonly [Name in keyof DocumentColumns]: unknown };

export interface IndexFile {
  /** Identity of the store that it was derived from. */
  readonly store: string;
  readonly namespace: string;
  readonly revision: number;
  readonly state: IndexState;
  readonly associations: ReadonlyMap<string, readonly QueryTerm[]> | undefined;
}

interface Description {
  readonly analysis: number;
  readonly store: string;
  readonly namespace: string;
  readonly revision: number;
  readonly speakers: readonly string[];
  readonly kinds: readonly string[];
  readonly totalLength: number;
  readonly liveCount: number;
  readonly lastSource: string;
  readonly associations: readonly (readonly [string, readonly QueryTerm[]])[] | null;
}

/** The index as checked blocks. */
export function encodeIndex(file: IndexFile): Uint8Array {
  const { state } = file;
  const terms = [...state.postings].filter(([, posting]) => posting.docs.length > 0);
  const total = terms.reduce((sum, [, posting]) => sum + posting.docs.length, 0);
  const docs = new Int32Array(total);
  const counts = new Uint8Array(total);
  const lengths = new Int32Array(terms.length);
  let at = 0;
  terms.forEach(([, posting], index) => {
    docs.set(posting.docs.used(), at);
    counts.set(posting.counts.used(), at);
    lengths[index] = posting.docs.length;
    at += posting.docs.length;
  });
  const description: Description = {
    analysis: analysisVersion,
    store: file.store,
    namespace: file.namespace,
    revision: file.revision,
    speakers: state.speakers,
    kinds: state.kinds,
    totalLength: state.totalLength,
    liveCount: state.liveCount,
    lastSource: state.lastSource,
    associations: file.associations ? [...file.associations] : null,
  };
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const columns = columnNames().map((name) => bytesOf(state.columns[name].used()));
  return joinBlocks([
    text(description),
    text(state.ids),
    text(terms.map(([term]) => term)),
    bytesOf(lengths),
    bytesOf(docs),
    counts,
    bytesOf(state.sessionLength.used()),
    ...columns,
  ]);
}

/** The index in a file, or undefined when the file is damaged, of another form, made with other rules for words, or of another store or namespace. */
export function decodeIndex(
  bytes: Uint8Array,
  expected: { readonly store: string; readonly namespace: string },
): IndexFile | undefined {
  const blocks = splitBlocks(bytes);
  const [describing, ids, terms, lengths, docs, counts, sessions, ...columns] = blocks ?? [];
  if (!describing || !ids || !terms || !lengths || !docs || !counts || !sessions) return undefined;
  const description = JSON.parse(new TextDecoder().decode(describing)) as Description;
  if (
    description.analysis !== analysisVersion ||
    description.store !== expected.store ||
    description.namespace !== expected.namespace
  )
    return undefined;
  const postings = decodePostings(JSON.parse(new TextDecoder().decode(terms)) as string[], {
    lengths: viewAs(lengths, Int32Array),
    docs: viewAs(docs, Int32Array),
    counts,
  });
  const decoded = columnNames().map((name, at) => [name, growingColumn(name, columns[at] ?? new Uint8Array())]);
  return {
    store: description.store,
    namespace: description.namespace,
    revision: description.revision,
    associations: description.associations ? new Map(description.associations) : undefined,
    state: {
      columns: Object.fromEntries(decoded) as unknown as DocumentColumns,
      ids: JSON.parse(new TextDecoder().decode(ids)) as string[],
      postings,
      speakers: [...description.speakers],
      kinds: [...description.kinds],
      sessionLength: new Growing(viewAs(sessions, Float32Array)),
      totalLength: description.totalLength,
      liveCount: description.liveCount,
      lastSource: description.lastSource,
    },
  };
}

function columnNames(): (keyof DocumentColumns)[] {
  return Object.keys(columnTypes) as (keyof DocumentColumns)[];
}

function growingColumn(name: keyof DocumentColumns, bytes: Uint8Array): DocumentColumns[keyof DocumentColumns] {
  switch (columnTypes[name]) {
    case Float32Array:
      return new Growing(viewAs(bytes, Float32Array));
    case Float64Array:
      return new Growing(viewAs(bytes, Float64Array));
    case Int32Array:
      return new Growing(viewAs(bytes, Int32Array));
    default:
      return new Growing(viewAs(bytes, Uint8Array));
  }
}

function decodePostings(
  terms: readonly string[],
  packed: { lengths: Int32Array; docs: Int32Array; counts: Uint8Array },
): Map<string, Posting> {
  const postings = new Map<string, Posting>();
  let at = 0;
  terms.forEach((term, index) => {
    const end = at + (packed.lengths[index] ?? 0);
    postings.set(term, {
      docs: new Growing(packed.docs.subarray(at, end)),
      counts: new Growing(packed.counts.subarray(at, end)),
    });
    at = end;
  });
  return postings;
}
