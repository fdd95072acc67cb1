import { Cron } from 'croner';
import { z } from 'zod';
import { describeThrown, GenieError } from '../genie-error.ts';

/** What happens to wakes whose moment passed while nobody could run them. */
export type MisfirePolicy = 'skip' | 'once' | 'all';

export interface ScheduleOptions {
  /** Five fields (minute hour day month weekday), six with seconds first, or a nickname like `@daily`. */
  readonly cron: string;
  /** IANA name, e.g. `Europe/Berlin`. Default `UTC`. */
  readonly timezone?: string;
  /** `skip` runs none of the missed wakes, `once` the newest, `all` each in order. Default `once`. */
  readonly misfire?: MisfirePolicy;
  /** A wake that is later than this is never made up for. Default 24 hours. */
  readonly latenessLimitMs?: number;
}

/** A checked schedule. Times are epoch ms, always whole seconds. */
export interface Schedule {
  readonly cron: string;
  readonly timezone: string;
  readonly misfire: MisfirePolicy;
  readonly latenessLimitMs: number;
  /** The first wake after the moment; undefined when there is none. */
  next(after: number): number | undefined;
  /** The wakes with `after < wake <= until`, oldest first; when there are more than `limit`, the newest of them. */
  between(after: number, until: number, limit: number): readonly number[];
}

const scheduleSchema = z.object({
  cron: z.string().trim().min(1),
  timezone: z.string().min(1).default('UTC'),
  misfire: z.enum(['skip', 'once', 'all']).default('once'),
  latenessLimitMs: z
    .number()
    .nonnegative()
    .default(24 * 60 * 60 * 1000),
});

/**
 * Checks a schedule. Clock changes: a wake whose wall time is skipped in spring happens at the next moment that exists, one
 * whose wall time comes twice in autumn happens the first time only; "every n minutes" patterns just go on.
 *
 * Throws `GENIE_SCHEDULE_INVALID`, also for a pattern that never comes, such as 30 February.
 */
export function parseSchedule(options: ScheduleOptions): Schedule {
  const parsed = scheduleSchema.safeParse(options);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(options, `${issue?.path.join('.') || 'schedule'}: ${issue?.message}`);
  }
  const resolved = parsed.data;
  const cron = openCron(options, resolved.cron, resolved.timezone);
  return Object.freeze({
    ...resolved,
    next: (after: number) => cron.nextRun(new Date(after))?.getTime(),
    between(after: number, until: number, limit: number) {
      if (until <= after || limit <= 0) return [];
      // The search goes backwards from a whole second and leaves that second out.
      const start = new Date(Math.floor(until / 1000) * 1000 + 1000);
      for (let size = Math.min(16, limit); ; size = Math.min(size * 4, limit)) {
        const found = cron.previousRuns(size, start).map((date) => date.getTime());
        const wanted = found.filter((time) => time > after);
        if (wanted.length < size || size === limit) return wanted.reverse();
      }
    },
  });
}

function openCron(options: ScheduleOptions, pattern: string, timezone: string): Cron {
  let cron: Cron;
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw invalid(options, `timezone ${JSON.stringify(timezone)} is no IANA time zone; use one like "Europe/Berlin"`);
  }
  try {
    cron = new Cron(pattern, { timezone, paused: true, fixedTimeRule: 'no-wildcard', mode: '5-or-6-parts' });
  } catch (error) {
    throw invalid(
      options,
      `cron ${JSON.stringify(pattern)} cannot be read (${describeThrown(error)}); use e.g. "0 7 * * 1-5"`,
    );
  }
  if (!cron.nextRun(new Date(0)))
    throw invalid(options, `cron ${JSON.stringify(pattern)} names a date that never comes`);
  return cron;
}

function invalid(options: ScheduleOptions, problem: string): GenieError {
  return new GenieError('GENIE_SCHEDULE_INVALID', `Schedule: ${problem}.`, { details: { received: options } });
}
