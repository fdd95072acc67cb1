import { DatabaseSync } from 'node:sqlite';
import type { Turn } from './corpus.ts';
import type { Search } from './retrieval.ts';

/** The bare baseline: SQLite's own full text search with its Porter stemmer and BM25, the words of the question joined with OR. */
export function openPlainFts(turns: readonly (Turn & { readonly namespace: string })[]): {
  search(namespace: string): Search;
  close(): void;
} {
  const database = new DatabaseSync(':memory:');
  database.exec(
    "CREATE VIRTUAL TABLE turns USING fts5(id UNINDEXED, namespace UNINDEXED, text, tokenize = 'porter unicode61')",
  );
  const insert = database.prepare('INSERT INTO turns (id, namespace, text) VALUES (?, ?, ?)');
  database.exec('BEGIN');
  for (const { id, namespace, text } of turns) insert.run(id, namespace, text);
  database.exec('COMMIT');
  const select = database.prepare(
    'SELECT id FROM turns WHERE turns MATCH ? AND namespace = ? ORDER BY bm25(turns) LIMIT ?',
  );
  return {
    search: (namespace) => async (question, k) => {
      const words = (question.match(/\w+/g) ?? []).map((word) => `"${word}"`).join(' OR ');
      return select.all(words, namespace, k).map((row) => String(row.id));
    },
    close: () => database.close(),
  };
}
