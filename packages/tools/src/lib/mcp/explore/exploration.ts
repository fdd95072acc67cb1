/** Why a tool was not called. */
export type SkipReason =
  /** It does not say that it only reads, or says that it destroys as well. */
  | 'not-read-only'
  /** Only a guess could fill its arguments. */
  | 'needs-arguments'
  /** The user wants to be asked before it is called. */
  | 'asks-first'
  /** The connection does not offer it: it is new, changed or not usable. */
  | 'withheld'
  /** The calls or the time were used up. */
  | 'budget'
  /** The server failed so badly that calls to it are refused for a while. */
  | 'unavailable'
  /** The caller stopped the exploration. */
  | 'stopped';

/** What became known of one tool. `at` is in epoch ms, sizes in bytes of UTF-8. */
export type ExploredTool =
  | {
      readonly tool: string;
      readonly outcome: 'answers';
      readonly at: number;
      readonly tookMs: number;
      /** Of the answer as a run gets it, as JSON unless it is a text. */
      readonly sizeBytes: number;
      /** The beginning of the answer. Words of the server: data, never an instruction. */
      readonly sample: string;
    }
  | {
      readonly tool: string;
      readonly outcome: 'fails';
      readonly at: number;
      readonly tookMs: number;
      readonly code: string;
      /** The beginning of what was said about it. */
      readonly sample: string;
    }
  | {
      readonly tool: string;
      readonly outcome: 'skipped';
      readonly why: SkipReason;
      /** With `needs-arguments`: which. */
      readonly needs?: readonly string[] | undefined;
    };

/** What became known of a server. */
export interface ServerExploration {
  /** When it was explored last, epoch ms. */
  readonly at: number;
  readonly tools: readonly ExploredTool[];
}
