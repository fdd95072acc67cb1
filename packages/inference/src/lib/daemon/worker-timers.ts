import type { Clock } from '@genie/core/ports';

export interface WorkerTimersOptions {
  readonly clock: Clock;
  readonly healthIntervalMs: number;
  readonly healthTimeoutMs: number;
}

/** The two clocks of a worker: what it owes now, and whether it is alive at all. */
export class WorkerTimers {
  readonly #options: WorkerTimersOptions;
  #cancelDeadline = () => {};
  #cancelHealth = () => {};
  #lastSign = 0;

  constructor(options: WorkerTimersOptions) {
    this.#options = options;
  }

  /** Replaces the deadline that was set before. */
  deadline(afterMs: number, overdue: () => void): void {
    this.#cancelDeadline();
    if (afterMs === Number.POSITIVE_INFINITY) return;
    this.#cancelDeadline = this.#options.clock.schedule(afterMs, overdue);
  }

  cancelDeadline(): void {
    this.#cancelDeadline();
  }

  cancel(): void {
    this.#cancelDeadline();
    this.#cancelHealth();
  }

  /** Asks for a sign of life again and again; tells when there was none for too long. */
  watchHealth(worker: { readonly ping: (at: number) => void; readonly overdue: (reason: string) => void }): void {
    const { clock, healthIntervalMs, healthTimeoutMs } = this.#options;
    this.heard();
    const check = () => {
      if (clock.elapsed() - this.#lastSign > healthTimeoutMs) {
        worker.overdue(`no sign of life for ${healthTimeoutMs} ms`);
        return;
      }
      worker.ping(clock.elapsed());
      this.#cancelHealth = clock.schedule(healthIntervalMs, check);
    };
    this.#cancelHealth();
    this.#cancelHealth = clock.schedule(healthIntervalMs, check);
  }

  heard(): void {
    this.#lastSign = this.#options.clock.elapsed();
  }
}
