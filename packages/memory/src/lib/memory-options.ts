import type { Clock } from '@genie/core/ports';
import type { CipherOptions } from './cipher/key-file.ts';
import type { RecordStore } from './store/record-store.ts';
import type { Durability } from './store/sqlite-database.ts';
import type { AnyEmbedder } from './vectors/embedder.ts';
import type { OpenVectorStore } from './vectors/vector-search.ts';

export interface MemoryOptions {
  /** Folder of `working.json`, `knowledge.db`, `vectors/` and `history/`; made when it is missing. */
  readonly dir?: string;
  /** Records elsewhere, or `:memory:` for a memory that lives as long as the process. */
  readonly store?: RecordStore | ':memory:';
  /** Encrypts everything on disk. Needs `dir`. The records are held in memory while open. */
  readonly cipher?: CipherOptions;
  readonly clock?: Clock;
  /** Finds memories by meaning as well. Writing and recall go on without it when it fails. */
  readonly embedder?: AnyEmbedder;
  /** Searches vectors elsewhere, e.g. in Vectra. Default: the exact scan of this package. */
  readonly openVectorStore?: OpenVectorStore;
  /** How long recall waits for the embedder before it answers by words alone, in milliseconds. Default 2,000. */
  readonly embedTimeoutMs?: number;
  /** Default `process`. */
  readonly durability?: Durability;
}
