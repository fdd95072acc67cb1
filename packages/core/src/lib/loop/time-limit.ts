import type { Clock } from '../ports/clock.ts';
import type { AbortGuard } from './abort-guard.ts';

interface TimeLimitDeps {
  readonly clock: Clock;
  readonly guard: AbortGuard;
}

/** Interrupts a loop when its time is spent. Paused while a person is asked: waiting costs no budget. */
export class TimeLimit {
  readonly #deps: TimeLimitDeps;
  #leftMs: number;
  #startedAt = 0;
  #cancel: (() => void) | undefined;

  constructor(deps: TimeLimitDeps, leftMs: number) {
    this.#deps = deps;
    this.#leftMs = leftMs;
  }

  start(): void {
    const { clock, guard } = this.#deps;
    this.#startedAt = clock.elapsed();
    this.#cancel = clock.schedule(Math.max(0, this.#leftMs), () => guard.interrupt('time'));
  }

  pause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#leftMs -= this.#deps.clock.elapsed() - this.#startedAt;
  }
}
