import type { GenomeMatch, GenomeSearch } from './genome-store.ts';

interface Searchable {
  readonly tags: readonly string[];
  readonly embedding?: { readonly space: string; readonly values: readonly number[] } | undefined;
  readonly sharing: { readonly public: boolean };
}

/** Filters, then orders by cosine (or keeps the given order without `near`). Records without a vector of the space are left out when one is asked for. */
export function searchRecords<Record extends Searchable>(
  records: Iterable<Record>,
  search: GenomeSearch,
): readonly GenomeMatch<Record>[] {
  const matches: GenomeMatch<Record>[] = [];
  for (const record of records) {
    if (search.publicOnly && !record.sharing.public) continue;
    if (search.tags && !search.tags.every((tag) => record.tags.includes(tag))) continue;
    const { near } = search;
    if (!near) matches.push({ record, score: 0 });
    else if (record.embedding?.space === near.space && record.embedding.values.length === near.values.length) {
      matches.push({ record, score: cosine(record.embedding.values, near.values) });
    }
  }
  if (search.near) matches.sort((left, right) => right.score - left.score);
  return matches.slice(0, search.limit ?? 10);
}

export function cosine(left: readonly number[], right: readonly number[]): number {
  let dot = 0;
  let leftSquare = 0;
  let rightSquare = 0;
  for (let index = 0; index < left.length; index += 1) {
    const [one, other] = [left[index] ?? 0, right[index] ?? 0];
    dot += one * other;
    leftSquare += one * one;
    rightSquare += other * other;
  }
  return leftSquare === 0 || rightSquare === 0 ? 0 : dot / Math.sqrt(leftSquare * rightSquare);
}
