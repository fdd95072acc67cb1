import type { Clock, Ids } from '@genie/core/ports';
import type { CipherOptions } from './cipher/key-file.ts';
import type { Mutex } from './create-mutex.ts';
import type { Fingerprinter } from './fingerprint.ts';
import type { IndexSet } from './index-set.ts';
import type { Scrubber } from './scrubber.ts';
import type { RecordStore } from './store/record-store.ts';
import type { HistoryLog } from './tiers/history.ts';
import type { WorkingFile } from './tiers/working.ts';
import type { VectorSearch } from './vectors/vector-search.ts';

/** What every operation of the package works with. Made once by `openMemory`, on first use. */
export interface Engine {
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly indexes: IndexSet;
  readonly fingerprints: Fingerprinter;
  readonly scrubber: Scrubber;
  readonly working: WorkingFile;
  readonly history: HistoryLog;
  /** Held while queued logs are written and while something is forgotten, so that neither sees half of the other. */
  readonly historyMutex: Mutex;
  readonly vectors?: VectorSearch;
  /** New keys under a new passphrase; only encrypted memories have it. */
  readonly rotateKey?: (next: CipherOptions) => Promise<void>;
}
