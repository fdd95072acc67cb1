import { type Clock, systemClock, type Wake, type WakeHandler, type WakeSchedule, type Wakes } from '@genie/core/ports';
import { parseSchedule, type Schedule } from '@genie/core/schedule';
import { decideDue } from './decide-due.ts';
import { checkGenieId, wakeIdOf } from './wake-id.ts';

interface Row {
  readonly id: string;
  readonly genieId: string;
  readonly dueAt: number;
  attempt: number;
  accepted: boolean;
}

interface Worker {
  readonly handler: WakeHandler;
  readonly concurrency: number;
  readonly stopping: AbortController;
  readonly underWay: Set<Promise<void>>;
}

/** Wakes of a server that is alone: the same promises, for as long as its process lives. */
export function createMemoryWakes(
  options: { readonly clock?: Clock; readonly tickMs?: number; readonly retryDelayMs?: number } = {},
): Wakes {
  const { clock = systemClock, tickMs = 250, retryDelayMs = 250 } = options;
  const schedules = new Map<string, { readonly body: string; readonly schedule: Schedule; decidedUntil: number }>();
  const rows = new Map<string, Row>();
  const waiting: Row[] = [];
  const workers: Worker[] = [];
  let cancelTick: (() => void) | undefined;

  function add(genieId: string, dueAt: number): string {
    const id = wakeIdOf(genieId, dueAt);
    if (rows.has(id)) return id;
    const row: Row = { id, genieId, dueAt, attempt: 0, accepted: false };
    rows.set(id, row);
    waiting.push(row);
    return id;
  }

  function look(): void {
    cancelTick?.();
    cancelTick = undefined;
    if (workers.length === 0) return;
    const now = clock.now();
    for (const [genieId, entry] of schedules) {
      for (const { dueAt, action } of decideDue(entry.schedule, entry.decidedUntil, now)) {
        if (action !== 'skipped') add(genieId, dueAt);
      }
      entry.decidedUntil = now;
    }
    handOut(now);
    cancelTick = clock.schedule(tickMs, look);
  }

  function handOut(now: number): void {
    for (const worker of workers) {
      while (worker.underWay.size < worker.concurrency) {
        const index = waiting.findIndex((row) => row.dueAt <= now);
        const [row] = index < 0 ? [] : waiting.splice(index, 1);
        if (!row) return;
        start(worker, row);
      }
    }
  }

  function start(worker: Worker, row: Row): void {
    row.attempt += 1;
    const done: Promise<void> = Promise.resolve(worker.handler(wakeOf(row, worker.stopping.signal)))
      .catch(() => {
        clock.schedule(retryDelayMs, () => {
          waiting.push(row);
          look();
        });
      })
      .finally(() => {
        worker.underWay.delete(done);
        if (workers.includes(worker)) handOut(clock.now());
      });
    worker.underWay.add(done);
  }

  return {
    async schedule(genieId, schedule: WakeSchedule | undefined) {
      checkGenieId(genieId);
      if (!schedule) return void schedules.delete(genieId);
      const body = JSON.stringify(schedule);
      if (schedules.get(genieId)?.body === body) return;
      schedules.set(genieId, { body, schedule: parseSchedule(schedule), decidedUntil: clock.now() });
    },
    async wakeAt(genieId, dueAt) {
      checkGenieId(genieId);
      const id = add(genieId, dueAt);
      look();
      return id;
    },
    async work(handler, { concurrency = 50 } = {}) {
      const worker: Worker = { handler, concurrency, stopping: new AbortController(), underWay: new Set() };
      workers.push(worker);
      look();
      return async () => {
        const index = workers.indexOf(worker);
        if (index >= 0) workers.splice(index, 1);
        if (workers.length === 0) cancelTick?.();
        worker.stopping.abort();
        await Promise.all(worker.underWay);
      };
    },
    async close() {
      cancelTick?.();
      for (const worker of workers.splice(0)) {
        worker.stopping.abort();
        await Promise.all(worker.underWay);
      }
    },
  };
}

function wakeOf(row: Row, signal: AbortSignal): Wake {
  return {
    id: row.id,
    genieId: row.genieId,
    dueAt: row.dueAt,
    attempt: row.attempt,
    signal,
    async accept() {
      if (row.accepted) return false;
      row.accepted = true;
      return true;
    },
  };
}
