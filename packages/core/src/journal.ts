export type { FileJournal, FileJournalOptions } from './lib/journal/file-journal.ts';
export { openJournal } from './lib/journal/file-journal.ts';
export type { FileSystem } from './lib/journal/file-system.ts';
export { listRuns, readRun } from './lib/journal/inspect-runs.ts';
export type {
  AnswerPart,
  CompactOptions,
  Journal,
  JournalCapabilities,
  JournalRecord,
  JournalRun,
  RunJournal,
} from './lib/journal/journal.ts';
export { runIsOpen } from './lib/journal/journal-errors.ts';
export type { Lease, LeaseHolder } from './lib/journal/lease.ts';
export { readLeaseHolder, takeLease } from './lib/journal/lease.ts';
export type { MemoryJournalOptions } from './lib/journal/memory-journal.ts';
export { createMemoryJournal } from './lib/journal/memory-journal.ts';
export { checkRunId } from './lib/journal/record-codec.ts';
