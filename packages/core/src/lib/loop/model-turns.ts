import { type ErrorRecord, toErrorRecord } from '../genie-error.ts';
import type { ModelCallOptions, ModelFunctionTool } from '../model/language-model.ts';
import type { Usage } from '../run-record.ts';
import { interrupted } from './abort-guard.ts';
import { type BudgetExcess, reserve } from './budget.ts';
import { type DeltaSink, generateAnswer, type ModelAnswer, streamAnswer } from './call-model.ts';
import { fitContextWindow } from './context-window.ts';
import type { LoopContext } from './loop-context.ts';
import { ModelDeadline } from './model-deadline.ts';
import type { Transcript } from './transcript.ts';

/** What a loop has used so far. */
export interface Spent {
  readonly steps: number;
  readonly usage: Usage;
  readonly costUsd: number;
  readonly workedMs: number;
}

/** Carries a model's failure out of the loop; it ends as a finish reason. */
export class ModelFault extends Error {
  readonly record: ErrorRecord;

  constructor(record: ErrorRecord) {
    super(record.message);
    this.record = record;
  }
}

/** The model's side of a loop: reserves the budget, calls, times out and retries once. */
export class ModelTurns {
  readonly #loop: LoopContext;
  readonly #transcript: Transcript;
  readonly #deadline: ModelDeadline;
  readonly #sink: DeltaSink;
  #offered: { readonly names: string; readonly tools: ModelFunctionTool[] } | undefined;
  /** Number of the step whose answer is awaited. */
  #step = 1;
  #faults = 0;

  constructor(loop: LoopContext, transcript: Transcript) {
    this.#loop = loop;
    this.#transcript = transcript;
    this.#deadline = new ModelDeadline(loop);
    const { clock, emit, runId } = loop;
    this.#sink = {
      text: (text) => emit({ type: 'text.delta', at: clock.now(), source, runId, step: this.#step, text }),
      reasoning: (text) => emit({ type: 'reasoning.delta', at: clock.now(), source, runId, step: this.#step, text }),
      ready: loop.ready,
      leaving: (leave) => {
        loop.guard.leave = leave;
      },
    };
  }

  /**
   * Calls the model, once more when an answer was unusable or the provider says a retry may help. Rejects with
   * `interrupted` and {@link ModelFault} only.
   */
  async next(spent: Spent): Promise<ModelAnswer | BudgetExcess> {
    const loop = this.#loop;
    this.#step = spent.steps + 1;
    for (;;) {
      const reservation = reserve(loop.budget, spent, {
        inputTokens: this.#transcript.estimatedTokens,
        price: loop.price,
      });
      if ('limit' in reservation) return reservation;
      loop.emit({
        type: 'step.started',
        at: loop.clock.now(),
        source,
        runId: loop.runId,
        step: this.#step,
        modelId: loop.model.modelId,
      });
      this.#deadline.begin();
      try {
        const isStreamed = loop.isStreaming();
        const answer = await this.#call(reservation.maxOutputTokens, isStreamed);
        if (!isStreamed && answer.text !== '') this.#sink.text(answer.text);
        this.#faults = 0;
        return answer;
      } catch (error) {
        if (error === interrupted || loop.guard.cause) throw interrupted;
        this.#afterFault(error);
      } finally {
        this.#deadline.end();
      }
    }
  }

  dispose(): void {
    this.#deadline.dispose();
  }

  #call(maxOutputTokens: number | undefined, isStreamed: boolean): Promise<ModelAnswer> {
    const { guard, model } = this.#loop;
    const options = this.#options(maxOutputTokens);
    return guard.race(isStreamed ? streamAnswer(model, options, this.#sink) : generateAnswer(model, options));
  }

  #afterFault(error: unknown): void {
    const loop = this.#loop;
    const record = toErrorRecord(error, 'GENIE_MODEL_FAILED');
    this.#faults += 1;
    const isRetryable =
      record.code === 'GENIE_MODEL_ANSWER' || (error as { isRetryable?: unknown } | null)?.isRetryable === true;
    const willRetry = isRetryable && this.#faults <= 1;
    loop.emit({
      type: 'model.failed',
      at: loop.clock.now(),
      source,
      runId: loop.runId,
      step: this.#step,
      error: record,
      willRetry,
    });
    if (!willRetry) throw new ModelFault(record);
  }

  #options(maxOutputTokens: number | undefined): ModelCallOptions {
    const loop = this.#loop;
    const limit = Math.min(
      maxOutputTokens ?? Number.POSITIVE_INFINITY,
      loop.settings.maxOutputTokens ?? Number.POSITIVE_INFINITY,
    );
    const tools = this.#offeredTools();
    return {
      ...loop.settings,
      prompt: this.#prompt(),
      ...(Number.isFinite(limit) ? { maxOutputTokens: limit } : {}),
      ...(tools.length > 0 ? { tools } : {}),
      abortSignal: loop.guard.signal,
    };
  }

  #prompt(): ModelCallOptions['prompt'] {
    const { limits, emit, clock, runId } = this.#loop;
    if (this.#transcript.estimatedTokens <= limits.contextTokens) return this.#transcript.messages.slice();
    const fitted = fitContextWindow(this.#transcript, limits.contextTokens);
    if (fitted.droppedMessages > 0) {
      emit({
        type: 'context.trimmed',
        at: clock.now(),
        source,
        runId,
        step: this.#step,
        droppedMessages: fitted.droppedMessages,
        estimatedTokens: fitted.estimatedTokens,
      });
    }
    return [...fitted.messages];
  }

  #offeredTools(): ModelFunctionTool[] {
    const list = this.#loop.tools.list();
    if (list.length === 0) return [];
    const names = list.map((tool) => tool.name).join(' ');
    if (this.#offered?.names !== names) {
      const tools = list.map(
        (tool): ModelFunctionTool => ({
          type: 'function',
          name: tool.name,
          description: tool.description,
          inputSchema: tool.inputJsonSchema as ModelFunctionTool['inputSchema'],
        }),
      );
      this.#offered = { names, tools };
    }
    return this.#offered.tools;
  }
}

const source = 'core.loop';
