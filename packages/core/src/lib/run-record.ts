import type { ErrorRecord } from './genie-error.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** What woke a run. */
export type Trigger =
  | { readonly kind: 'manual'; readonly note?: string }
  | { readonly kind: 'schedule' /** Epoch ms at which the wake was due. */; readonly dueAt: number }
  | { readonly kind: 'message'; readonly text: string; readonly messageId?: string }
  | { readonly kind: 'event'; readonly name: string; readonly payload?: JsonObject };

/** Where a genie finds what it works on. */
export type SourceKind = 'folder' | 'git' | 'feed' | 'web' | 'mcp';

export interface Source {
  readonly kind: SourceKind;
  /** Absolute path, URL, or `server/resource` for MCP. */
  readonly location: string;
  readonly title?: string;
}

/** Where a statement of a briefing comes from. */
export interface Citation {
  readonly source: string;
  /** Link or path a person can open. */
  readonly location: string;
  /** ISO 8601 date of the cited thing, when known. */
  readonly date?: string;
}

export interface BriefingItem {
  /** Stable within the genie: feedback and memory refer to it. */
  readonly id: string;
  readonly text: string;
  readonly citations: readonly Citation[];
}

/** What a run reports to its user. */
export interface Briefing {
  readonly title: string;
  /** Markdown as written by the model. */
  readonly markdown: string;
  readonly items: readonly BriefingItem[];
}

/** Token counts of one or more model calls. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  /** Calls made. */
  readonly modelCalls: number;
}

/** One tool call of a finished run, for memory and metrics. */
export interface ToolCallSummary {
  readonly callId: string;
  readonly tool: string;
  readonly input: JsonValue;
  readonly status: 'completed' | 'failed' | 'denied';
  /** The result as the model saw it, cut to 4,000 characters. */
  readonly outputText: string;
  readonly tookMs: number;
  readonly error?: ErrorRecord;
}

/** What the run itself says about its success. Probes decide; see {@link RunVerdict}. */
export type Claim = 'achieved' | 'partly' | 'not-achieved' | 'none';

/** A run as memory and metrics see it at its end. JSON-serializable. */
export interface RunRecord {
  readonly runId: string;
  readonly genieId: string;
  readonly goal: string;
  readonly trigger: Trigger;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly claim: Claim;
  readonly text: string;
  readonly briefing?: Briefing;
  readonly sources: readonly Source[];
  readonly toolCalls: readonly ToolCallSummary[];
  readonly steps: number;
  readonly usage: Usage;
  /** Undefined when the model has no price. */
  readonly costUsd?: number;
  /** How often each event type was emitted, e.g. `{"tool.completed": 4}`. */
  readonly eventCounts: Readonly<Record<string, number>>;
  /** The model that executed. */
  readonly modelId: string;
}
