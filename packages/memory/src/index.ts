export type { CipherOptions } from './lib/cipher/key-file.ts';
export type {
  ConsolidateOptions,
  ConsolidateReceipt,
  CoreTier,
  Episode,
  EpisodeTier,
  Fact,
  FactOptions,
  FactQuery,
  ForgetReceipt,
  ForgetSelector,
  HistoryTier,
  KnowledgeInput,
  KnowledgeTier,
  ListOptions,
  Memory,
  MemoryAnswer,
  MemoryInput,
  MemoryRecallOptions,
  MemoryStats,
  Pattern,
  PatternTier,
  PrunePolicy,
  RagNamespace,
  Recalled,
  Remembered,
  TimeInput,
  VerifyReport,
  WithSignal,
} from './lib/memory.ts';
export type { MemoryOptions } from './lib/memory-options.ts';
export { openMemory } from './lib/open-memory.ts';
export type { MemoryRecord, RecordStatus, StoredRecord, Tier } from './lib/store/record.ts';
export type {
  Changes,
  CommitReceipt,
  OperationRow,
  OutboxEntry,
  PutStatus,
  RecordBatch,
  RecordQuery,
  RecordStore,
  RecordStoreCapabilities,
  StoreStats,
  VectorQuery,
  VectorRow,
} from './lib/store/record-store.ts';
export { keptOperations } from './lib/store/record-store.ts';
export type { Durability } from './lib/store/sqlite-database.ts';
export type { AnyEmbedder, EmbeddingModelLike, TextEmbedder } from './lib/vectors/embedder.ts';
export type { Int8Scan, Int8ScanOptions, Int8Snapshot } from './lib/vectors/int8-scan.ts';
export { createInt8Scan } from './lib/vectors/int8-scan.ts';
export type { OpenVectorStore } from './lib/vectors/vector-search.ts';
export type { VectorMatch, VectorStore, VectorStoreCapabilities } from './lib/vectors/vector-store.ts';
