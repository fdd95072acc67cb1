import type { Clock } from '@genie/core/ports';
import type { RecordStore } from './store/record-store.ts';
import type { Durability } from './store/sqlite-database.ts';

export interface MemoryOptions {
  /** Folder of `working.json`, `knowledge.db`, `vectors/` and `history/`; made when it is missing. */
  readonly dir?: string;
  /** Records elsewhere, or `:memory:` for a memory that lives as long as the process. */
  readonly store?: RecordStore | ':memory:';
  readonly clock?: Clock;
  /** Default `process`. */
  readonly durability?: Durability;
}
