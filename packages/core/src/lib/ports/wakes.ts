/** When a genie wakes. The forms are those of `ScheduleOptions` in `@genie/core/schedule`. */
export interface WakeSchedule {
  readonly cron: string;
  readonly timezone?: string;
  readonly misfire?: 'skip' | 'once' | 'all';
  readonly latenessLimitMs?: number;
}

/** One wake, handed to one server. */
export interface Wake {
  /** The same for the same genie and due time, on every server and after every crash. */
  readonly id: string;
  readonly genieId: string;
  /** Epoch ms. */
  readonly dueAt: number;
  /** 1 for the first handing over. More than 1: a server went away with it. */
  readonly attempt: number;
  /** Aborts when the server stops or this handing over is given up. */
  readonly signal: AbortSignal;
  /**
   * Called once by the handler, right before the work: true for exactly one handing over of this wake, ever, on all servers. False: somebody
   * else has it, there is nothing to do.
   */
  accept(): Promise<boolean>;
}

export type WakeHandler = (wake: Wake) => Promise<void>;

/**
 * Wakes of many genies on many servers: none lost, none doubled. Called by a server; rejects with `GENIE_WAKES_STORE` (the store failed)
 * and `GENIE_SCHEDULE_INVALID`.
 */
export interface Wakes {
  /** Sets, changes or (with undefined) removes a genie's schedule. Moments before the call never count as missed. */
  schedule(genieId: string, schedule: WakeSchedule | undefined): Promise<void>;
  /** One wake at a time of its own, e.g. after a decision. The same genie and time twice is one wake. Returns its id. */
  wakeAt(genieId: string, dueAt: number): Promise<string>;
  /**
   * Takes wakes from now on, on this server. A handler that resolves has finished the wake; one that rejects gets it again, on any server,
   * until it was accepted. Returns a function that stops: no wake begins after it is called, and it resolves when those under way have ended.
   */
  work(handler: WakeHandler, options?: { readonly concurrency?: number }): Promise<() => Promise<void>>;
  /** Stops the work. Idempotent. */
  close(): Promise<void>;
}
