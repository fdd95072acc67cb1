import { GenieError } from '@genie/core/errors';
import type { LanguageModel, Tool, Toolbox } from '@genie/core/ports';
import { describe, mapToolbox, modelKey, type Recording, toolKey } from './recording.ts';

export interface ReplayBudget {
  /** Live model calls allowed. Default 0: only what was recorded. */
  readonly modelCalls?: number;
  /** Live calls of `read` tools allowed. Default 0. */
  readonly toolCalls?: number;
}

/** How much of a replay came from the recording. */
export interface ReplayCounts {
  readonly recordedCalls: number;
  readonly liveCalls: number;
}

export interface Replay {
  model(live: LanguageModel): LanguageModel;
  toolbox(live: Toolbox): Toolbox;
  counts(): ReplayCounts;
}

/**
 * Replays a recording: a model or tool call gets the recorded answer where the question is exactly the same (the n-th time the n-th answer),
 * and a live one where it is not, within the budget. Only tools with the effect `read` are ever called live: an experiment writes nothing
 * outside of its copy and repeats no `once` call. Errors by code: `GENIE_REPLAY_BUDGET`, `GENIE_REPLAY_EFFECT`.
 */
export function createReplay(recording: Recording, budget: ReplayBudget = {}): Replay {
  const used = new Map<string, number>();
  const counts = { recordedCalls: 0, liveCalls: 0 };
  const left = { model: budget.modelCalls ?? 0, tool: budget.toolCalls ?? 0 };
  const take = <Entry>(entries: Readonly<Record<string, readonly Entry[]>>, key: string): Entry | undefined => {
    const position = used.get(key) ?? 0;
    const entry = Object.hasOwn(entries, key) ? entries[key]?.[position] : undefined;
    if (entry === undefined) return undefined;
    used.set(key, position + 1);
    counts.recordedCalls += 1;
    return entry;
  };
  const spend = (kind: 'model' | 'tool', what: string): void => {
    if (left[kind] <= 0) {
      throw new GenieError(
        'GENIE_REPLAY_BUDGET',
        `${what} is not in the recording, and the budget for live ${kind} calls is spent. Allow more in the replay's budget.`,
      );
    }
    left[kind] -= 1;
    counts.liveCalls += 1;
  };
  return {
    counts: () => ({ ...counts }),
    model: (live) => ({
      ...describe(live),
      async doGenerate(options) {
        const entry = take(recording.models, modelKey(live.modelId, options));
        if (entry !== undefined && 'result' in entry) return entry.result;
        spend('model', `This call of ${live.modelId}`);
        return live.doGenerate(options);
      },
      async doStream(options) {
        const entry = take(recording.models, modelKey(live.modelId, options));
        if (entry !== undefined && 'parts' in entry) return { stream: ReadableStream.from(entry.parts) };
        spend('model', `This call of ${live.modelId}`);
        return live.doStream(options);
      },
    }),
    toolbox: (live) => mapToolbox(live, (tool) => replayTool(tool)),
  };

  function replayTool(tool: Tool): Tool {
    return {
      ...tool,
      async run(input, context) {
        const entry = take(recording.tools, toolKey(tool.name, input));
        if (entry !== undefined) {
          if ('error' in entry) throw new Error(entry.error);
          return entry.output;
        }
        if (tool.effect !== 'read') {
          throw new GenieError(
            'GENIE_REPLAY_EFFECT',
            `${tool.name} has the effect "${tool.effect}" and this call is not in the recording; experiments call only "read" tools live.`,
          );
        }
        spend('tool', `This call of ${tool.name}`);
        return tool.run(input, context);
      },
    };
  }
}
