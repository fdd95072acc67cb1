import * as fileSystem from 'node:fs/promises';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../conformance/manual-clock.ts';
import type { GenieEvent } from '../events/genie-event.ts';
import type { ErrorRecord } from '../genie-error.ts';
import type { WakeContext } from './due-wakes.ts';
import { createScheduler, type Scheduler, type SchedulerOptions } from './scheduler.ts';
import { readWakes, type WakeLogFileSystem } from './wake-log.ts';
import { wakeIdOf } from './wake-records.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const noon = Date.UTC(2026, 0, 5, 12);
type Wake = Pick<WakeContext, 'late' | 'again'> & { readonly at: string };

describe('createScheduler', () => {
  let dir: string;
  let clock: ManualClock;
  let wakes: Wake[];
  let events: GenieEvent[];
  let warnings: ErrorRecord[];
  const started: Scheduler[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'genie-schedule-'));
    clock = createManualClock(noon);
    wakes = [];
    events = [];
    warnings = [];
  });
  afterEach(async () => {
    for (const scheduler of started.splice(0)) await scheduler.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const create = (options: Partial<SchedulerOptions> = {}): Scheduler => {
    const scheduler = createScheduler({
      schedule: { cron: '0 * * * *' },
      clock,
      dir,
      onWake: (dueAt, { late, again }) => {
        wakes.push({ at: new Date(dueAt).toISOString().slice(11, 16), late, again });
      },
      events: (event) => events.push(event),
      onWarning: (warning) => warnings.push(warning),
      ...options,
    });
    started.push(scheduler);
    return scheduler;
  };
  const wake = (at: string, how: Partial<Wake> = {}): Wake => ({ at, late: false, again: false, ...how });
  /** Lets time pass minute by minute, so that the disk keeps up with the clock. */
  const live = async (forMs: number): Promise<void> => {
    for (let left = forMs; left > 0; left -= minuteMs) {
      clock.advance(Math.min(minuteMs, left));
      await settled(clock);
    }
  };

  it('wakes at every due time and records it before and after', async () => {
    await create().start();
    expect(started[0]?.next()).toBe(noon + hourMs);
    await live(2 * hourMs + minuteMs);
    expect(wakes).toEqual([wake('13:00'), wake('14:00')]);
    const id = wakeIdOf(noon + hourMs);
    expect((await readWakes({ dir })).slice(0, 3)).toEqual([
      { kind: 'armed', at: noon, cron: '0 * * * *', timezone: 'UTC' },
      { kind: 'fired', id, at: noon + hourMs, dueAt: noon + hourMs, lateMs: 0 },
      { kind: 'done', id, at: noon + hourMs, status: 'accepted' },
    ]);
    expect(events).toMatchObject([
      { type: 'schedule.fired', dueAt: noon + hourMs, lateMs: 0 },
      { type: 'schedule.fired', dueAt: noon + 2 * hourMs, lateMs: 0 },
    ]);
    expect(warnings).toEqual([]);
  });

  it.each<[NonNullable<SchedulerOptions['schedule']>, string[]]>([
    [{ cron: '0 * * * *', misfire: 'skip' }, []],
    [{ cron: '0 * * * *', misfire: 'once' }, ['17:00']],
    [{ cron: '0 * * * *', misfire: 'all' }, ['13:00', '14:00', '15:00', '16:00', '17:00']],
    [{ cron: '0 * * * *', misfire: 'all', latenessLimitMs: 3 * hourMs }, ['15:00', '16:00', '17:00']],
  ])('after a sleep of five hours: %o', async (schedule, expected) => {
    await create({ schedule }).start();
    // The machine sleeps: wall time passes, timers do not.
    clock.jump(5 * hourMs + 30 * minuteMs);
    await live(minuteMs);
    expect(wakes).toEqual(expected.map((at) => wake(at, { late: true })));
    const missed = (await readWakes({ dir })).filter((record) => record.kind === 'missed');
    expect(missed).toHaveLength(5);
    expect(missed.filter((record) => record.action === 'run')).toHaveLength(expected.length);
    expect(events.filter((event) => event.type === 'schedule.missed')).toHaveLength(5);
    await live(30 * minuteMs);
    expect(wakes.slice(expected.length)).toEqual([wake('18:00')]);
  });

  it('what became due while the process was down is missed, also before its first wake', async () => {
    await create().start();
    await started[0]?.stop();
    clock.advance(3 * hourMs + minuteMs);
    expect(wakes).toEqual([]);
    await create().start();
    await settled(clock);
    expect(wakes).toEqual([wake('15:00', { late: true })]);
    await create().start();
    await settled(clock);
    expect(wakes).toHaveLength(1);
  });

  it('a clock that goes back repeats nothing and does not silence the genie', async () => {
    await create().start();
    await live(3 * hourMs + minuteMs);
    clock.jump(-2 * hourMs);
    await live(minuteMs);
    expect(started[0]?.next()).toBe(noon + 4 * hourMs);
    await live(4 * hourMs);
    expect(wakes.map((one) => one.at)).toEqual(['13:00', '14:00', '15:00', '16:00', '17:00']);
    expect(wakes.some((one) => one.late || one.again)).toBe(false);
  });

  it('a clock that was wrong by decades does not silence the genie either, also over a restart', async () => {
    await create({ schedule: { cron: '0 * * * *', misfire: 'skip' } }).start();
    clock.jump(20 * 365 * 24 * hourMs);
    await live(minuteMs);
    expect((await readWakes({ dir })).filter((record) => record.kind === 'missed')).toHaveLength(1_000);
    expect((await readWakes({ dir })).filter((record) => record.kind === 'missed-many')).toHaveLength(1);
    clock.jump(-20 * 365 * 24 * hourMs);
    await live(hourMs);
    expect(wakes).toEqual([wake('13:00')]);
    await started[0]?.stop();
    await create({ schedule: { cron: '0 * * * *', misfire: 'once' } }).start();
    await settled(clock);
    await live(hourMs);
    expect(wakes.map((one) => one.at)).toEqual(['13:00', '14:00']);
  });

  it('wakes that become due during a long one are missed, and wakes never overlap', async () => {
    let release = (): void => undefined;
    let running = 0;
    const onWake: SchedulerOptions['onWake'] = async (dueAt, { late, again }) => {
      running += 1;
      expect(running).toBe(1);
      wakes.push(wake(new Date(dueAt).toISOString().slice(11, 16), { late, again }));
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      running -= 1;
    };
    await create({ onWake }).start();
    await settled(clock);
    clock.advance(hourMs);
    await until(() => wakes.length === 1);
    clock.advance(2 * hourMs + minuteMs);
    release();
    await settled(clock);
    clock.advance(1);
    await until(() => wakes.length === 2);
    expect(wakes).toEqual([wake('13:00'), wake('15:00', { late: true })]);
    release();
    await settled(clock);
    expect(wakes).toHaveLength(2);
  });

  it('a wake that fails is reported and not repeated', async () => {
    const onWake: SchedulerOptions['onWake'] = (dueAt) => {
      wakes.push(wake(new Date(dueAt).toISOString().slice(11, 16)));
      throw new Error('no model');
    };
    await create({ onWake }).start();
    await live(2 * hourMs);
    expect(wakes.map((one) => one.at)).toEqual(['13:00', '14:00']);
    expect(warnings.map((warning) => warning.code)).toEqual(['GENIE_SCHEDULE_WAKE', 'GENIE_SCHEDULE_WAKE']);
    const ends = (await readWakes({ dir })).filter((record) => record.kind === 'done');
    expect(ends.map((record) => record.status)).toEqual(['failed', 'failed']);
  });

  it('a wake that stop() interrupted is handed over again, marked, with the same id', async () => {
    const ids: string[] = [];
    const onWake: SchedulerOptions['onWake'] = (_dueAt, { id, signal }) => {
      ids.push(id);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    await create({ onWake }).start();
    await settled(clock);
    clock.advance(hourMs);
    await until(() => ids.length === 1);
    await started[0]?.stop();
    await create().start();
    await settled(clock);
    expect([ids, wakes]).toEqual([[wakeIdOf(noon + hourMs)], [wake('13:00', { again: true })]]);
    await started[1]?.stop();
    await create().start();
    await settled(clock);
    expect(wakes).toHaveLength(1);
  });

  it('a wake left open for longer than the lateness limit is given up, with a record', async () => {
    let isHanging = false;
    const onWake: SchedulerOptions['onWake'] = (_dueAt, { signal }) => {
      isHanging = true;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    await create({ onWake }).start();
    await settled(clock);
    clock.advance(hourMs);
    await until(() => isHanging);
    await started[0]?.stop();
    clock.advance(30 * hourMs + 5 * minuteMs);
    await create({ schedule: { cron: '0 * * * *', misfire: 'skip' } }).start();
    await settled(clock);
    expect(wakes).toEqual([]);
    expect((await readWakes({ dir })).filter((record) => record.kind === 'done')).toMatchObject([
      { status: 'abandoned' },
    ]);
  });

  it('without space nothing is handed over unrecorded; with space again the wake comes, late', async () => {
    let isFull = false;
    const openFile: WakeLogFileSystem['open'] = (path, flags, mode) => {
      if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      return open(path, flags, mode);
    };
    await create({ fileSystem: { ...fileSystem, open: openFile } }).start();
    isFull = true;
    await live(hourMs + 5 * minuteMs);
    expect(wakes).toEqual([]);
    expect(warnings[0]).toMatchObject({ code: 'GENIE_SCHEDULE_STORE' });
    isFull = false;
    await live(minuteMs);
    expect(wakes).toEqual([wake('13:00', { late: true })]);
  });

  it('does not hand a wake over again when only its end could not be written', async () => {
    let isFull = false;
    const openFile: WakeLogFileSystem['open'] = (path, flags, mode) => {
      if (isFull) throw new Error('no space left on device');
      return open(path, flags, mode);
    };
    const onWake: SchedulerOptions['onWake'] = (_dueAt, { again }) => {
      wakes.push(wake('x', { again }));
      isFull = true;
    };
    await create({ onWake, fileSystem: { ...fileSystem, open: openFile } }).start();
    await live(hourMs);
    await live(5 * minuteMs);
    isFull = false;
    await live(5 * minuteMs);
    expect(wakes).toEqual([wake('x')]);
    expect((await readWakes({ dir })).filter((record) => record.kind === 'done')).toHaveLength(1);
  });

  it('a new schedule counts from the moment it is set, also from within a wake', async () => {
    const scheduler = create({
      async onWake(dueAt) {
        wakes.push(wake(new Date(dueAt).toISOString().slice(11, 16)));
        if (wakes.length === 1) await scheduler.reschedule({ cron: '15,45 * * * *' });
      },
    });
    await scheduler.start();
    await live(2 * hourMs);
    expect(wakes.map((one) => one.at)).toEqual(['13:00', '13:15', '13:45']);
    await expect(scheduler.reschedule({ cron: 'never' })).rejects.toMatchObject({ code: 'GENIE_SCHEDULE_INVALID' });
    expect(scheduler.next()).toBe(noon + 2 * hourMs + 15 * minuteMs);
  });

  it('a bad schedule or limit is refused at the start, and stopping twice is fine', async () => {
    const scheduler = create({ schedule: { cron: '0 0 31 2 *' } });
    await expect(scheduler.start()).rejects.toMatchObject({ code: 'GENIE_SCHEDULE_INVALID' });
    expect(scheduler.next()).toBeUndefined();
    await scheduler.stop();
    await scheduler.stop();
    expect(() => create({ graceMs: -1 })).toThrow(/graceMs is -1; pass a number from 0/);
    expect(clock.pending).toBe(0);
  });

  it('in any mix of waiting, sleep, clock changes, crashes and full disks no wake is doubled or lost without a record', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('live' as const), minutes: fc.integer({ min: 1, max: 50 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('sleep' as const), minutes: fc.integer({ min: 1, max: 400 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('back' as const), minutes: fc.integer({ min: 1, max: 200 }) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), minutes: fc.nat(200) }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('fail' as const), minutes: fc.integer({ min: 1, max: 5 }) }),
      },
    );
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 14 }),
      fc.constantFrom('skip' as const, 'once' as const, 'all' as const),
      async (steps, misfire) => {
        const home = await mkdtemp(join(dir, 'mix-'));
        const time = createManualClock(noon);
        const world = createWorld(home, time, misfire);
        await world.start();
        let furthest = noon;
        for (const { kind, minutes } of steps) {
          if (kind === 'sleep') time.jump(minutes * minuteMs);
          if (kind === 'back') time.jump(-minutes * minuteMs);
          if (kind === 'fail') world.failWritesAfter(minutes);
          if (kind === 'crash') {
            world.crash();
            time.jump(minutes * minuteMs);
            await world.start();
          }
          for (let minute = 0; minute < (kind === 'live' ? minutes : 2); minute += 1) await world.live();
          furthest = Math.max(furthest, time.now());
        }
        world.failWritesAfter(Number.POSITIVE_INFINITY);
        await world.live();
        await world.stop();
        // Handed over twice only when marked as open, and never after its end was recorded.
        for (const [id, handovers] of world.handovers) {
          expect(handovers.filter((one) => !one.again).length, id).toBeLessThanOrEqual(1);
        }
        // Every due time up to the furthest moment that was seen has a record.
        const recorded = new Set(
          (await readWakes({ dir: home })).flatMap((record) => ('dueAt' in record ? [record.id] : [])),
        );
        for (let dueAt = noon + 20 * minuteMs; dueAt <= Math.min(furthest, time.now()); dueAt += 20 * minuteMs) {
          expect(recorded).toContain(wakeIdOf(dueAt));
        }
      },
    );
    await fc.assert(property, { numRuns: 25 });
  }, 60_000);

  /** A scheduler that can be killed: after a crash none of its writes reach the disk, and its wakes do not count. */
  function createWorld(home: string, time: ManualClock, misfire: 'skip' | 'once' | 'all') {
    const handovers = new Map<string, { readonly again: boolean }[]>();
    let writesLeft = Number.POSITIVE_INFINITY;
    let scheduler: Scheduler | undefined;
    let life = createLife(time);
    return {
      handovers,
      failWritesAfter(count: number) {
        writesLeft = count;
      },
      crash() {
        life.isDead = true;
      },
      stop: async () => scheduler?.stop(),
      async live() {
        time.advance(minuteMs);
        await until(() => life.timers === 1);
      },
      async start() {
        const own = createLife(time);
        life = own;
        writesLeft = Number.POSITIVE_INFINITY;
        const openFile: WakeLogFileSystem['open'] = (path, flags, mode) => {
          if (own.isDead) throw new Error('the process is gone');
          if (flags === 'a') writesLeft -= 1;
          if (writesLeft < 0) throw new Error('no space left on device');
          return open(path, flags, mode);
        };
        scheduler = createScheduler({
          schedule: { cron: '*/20 * * * *', misfire },
          clock: own.clock,
          dir: home,
          fileSystem: { ...fileSystem, open: openFile },
          onWake: (_dueAt, { id, again }) => {
            if (!own.isDead) handovers.set(id, [...(handovers.get(id) ?? []), { again }]);
          },
        });
        await scheduler.start();
        await until(() => own.timers === 1);
      },
    };
  }

  /** The time of one process: its timers die with it. */
  function createLife(time: ManualClock) {
    const life = {
      isDead: false,
      timers: 0,
      clock: {
        now: () => time.now(),
        elapsed: () => time.elapsed(),
        schedule(delayMs: number, callback: () => void) {
          let isWaiting = true;
          const end = (): boolean => {
            if (!isWaiting) return false;
            isWaiting = false;
            life.timers -= 1;
            return true;
          };
          life.timers += 1;
          const cancel = time.schedule(delayMs, () => {
            if (end() && !life.isDead) callback();
          });
          return () => {
            end();
            cancel();
          };
        },
      },
    };
    return life;
  }
});

/** The scheduler has done what was due and waits again. */
async function settled(clock: ManualClock): Promise<void> {
  await until(() => clock.pending > 0);
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    if (turn > 2_000) throw new Error('the scheduler did not settle');
    await new Promise((resolve) => setTimeout(resolve, turn < 5 ? 0 : 1));
  }
}
