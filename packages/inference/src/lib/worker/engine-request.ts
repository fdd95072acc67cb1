import type { JsonSchema } from '../json-schema.ts';

export interface EngineMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly text: string;
}

/** One layer of a request: a file, its expected content and its weight. */
export interface EngineLayer {
  readonly path: string;
  /** SHA-256 of the file; a file that differs is refused. Without it the file is taken as it is. */
  readonly hash?: string;
  readonly weight: number;
}

/** What a worker is asked to do. Plain data: it crosses process borders. */
export interface EngineRequest {
  readonly messages: readonly EngineMessage[];
  readonly layers: readonly EngineLayer[];
  readonly maxTokens: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  /** Forces the text to be JSON of this schema. */
  readonly schema?: JsonSchema;
}

export interface EngineResult {
  readonly finish: 'stop' | 'length';
  readonly promptTokens: number;
  /** Prompt tokens whose KV was already there. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** From the start of the request to the first token, and to the end. */
  readonly firstTokenMs: number;
  readonly tookMs: number;
}

/** Counters of an engine since its start. */
export interface EngineStats {
  readonly layers: number;
  readonly layerBytes: number;
  readonly layerHits: number;
  readonly layerMisses: number;
  readonly layerEvictions: number;
  readonly prefixHits: number;
  readonly prefixRestores: number;
  readonly prefixMisses: number;
  readonly stateBytes: number;
  readonly rssBytes: number;
  /** Genomes whose KV or state this worker holds; the router sends requests where they are. */
  readonly warmKeys: readonly string[];
}
