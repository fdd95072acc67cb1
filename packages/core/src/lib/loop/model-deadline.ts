import { GenieError } from '../genie-error.ts';
import type { LoopContext, LoopLimits } from './loop-context.ts';

export interface ModelDeadlineDeps extends Pick<LoopContext, 'clock' | 'guard' | 'model'> {
  readonly limits: Pick<LoopLimits, 'modelTimeoutMs'>;
}

/**
 * Gives up a model call that takes too long. One timer serves all calls of a loop: it is set again only when it rings
 * too early, because a timer a call would cost as much as the rest of the call's bookkeeping.
 */
export class ModelDeadline {
  readonly #loop: ModelDeadlineDeps;
  #calledAt: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(loop: ModelDeadlineDeps) {
    this.#loop = loop;
  }

  begin(): void {
    this.#calledAt = this.#loop.clock.elapsed();
    if (!this.#cancel) this.#set(this.#loop.limits.modelTimeoutMs);
  }

  end(): void {
    this.#calledAt = undefined;
  }

  dispose(): void {
    this.#cancel?.();
  }

  #set(delayMs: number): void {
    this.#cancel = this.#loop.clock.schedule(delayMs, () => this.#ring());
  }

  #ring(): void {
    const { clock, guard, limits, model } = this.#loop;
    this.#cancel = undefined;
    if (this.#calledAt === undefined) return;
    const leftMs = this.#calledAt + limits.modelTimeoutMs - clock.elapsed();
    // A timer may ring a moment before its time.
    if (leftMs > 1) this.#set(leftMs);
    else {
      const message = `${model.provider}/${model.modelId} did not finish within ${limits.modelTimeoutMs} ms.`;
      guard.giveUp(new GenieError('GENIE_MODEL_TIMEOUT', message));
    }
  }
}
