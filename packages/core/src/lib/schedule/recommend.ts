import { parseSchedule, type Schedule, type ScheduleOptions } from './schedule.ts';
import { countWakes, longestDelayMs, type WakeObservation, type WakeStatistics, weekOf } from './wake-statistics.ts';
import {
  planOf,
  planToCron,
  planToWords,
  spread,
  type WeeklyPlan,
  withHoursBetween,
  worthKeeping,
} from './weekly-plan.ts';

export interface RecommendScheduleInput {
  /** The history, in any order. Wakes older than eight weeks before the newest are left out. */
  readonly wakes: readonly WakeObservation[];
  readonly current: ScheduleOptions;
}

export interface ScheduleRecommendation {
  /** `fewer-times` leaves out hours and weekdays that never bring anything, `less-often` thins out, `more-often` adds wakes. */
  readonly kind: 'fewer-times' | 'less-often' | 'more-often';
  readonly cron: string;
  readonly timezone: string;
  /** For the user: what was observed and what would change, in numbers. */
  readonly reason: string;
  readonly wakesPerWeek: { readonly now: number; readonly proposed: number };
  /** Negative for `more-often`. `usdPerWeek` only when wakes have a cost: mean cost of a wake × wakes saved. */
  readonly savings: { readonly wakesPerWeek: number; readonly usdPerWeek?: number };
  /** How much later the latest of the past findings would have been found. */
  readonly longestDelayMs: number;
}

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;
const lookBackMs = 56 * dayMs;
const leastWakes = 14;
const leastSpanMs = 7 * dayMs;
/** An hour or weekday is left out only when it was tried this often. */
const leastTries = 3;
/** Share of the findings that the kept hours and weekdays must have brought. */
const keptShare = 0.95;
const leastSaving = 0.2;
const maxWakesPerWeek = 10_080;

/**
 * Learns from the history of wakes when a genie should wake. Pure; the same history gives the same answer. Undefined when
 * there is too little to learn from (under 14 wakes or 7 days), or nothing to gain (under 20 % of the wakes).
 *
 * Throws `GENIE_SCHEDULE_INVALID` when the current schedule is none.
 */
export function recommendSchedule({ wakes, current }: RecommendScheduleInput): ScheduleRecommendation | undefined {
  const schedule = parseSchedule(current);
  const usable = wakes.filter((wake) => Number.isFinite(wake.at) && wake.items >= 0);
  const newest = usable.reduce((latest, wake) => Math.max(latest, wake.at), Number.NEGATIVE_INFINITY);
  const statistics = countWakes(
    usable.filter((wake) => wake.at > newest - lookBackMs),
    schedule.timezone,
  );
  if (statistics.wakes < leastWakes || statistics.spanMs < leastSpanMs) return undefined;
  const week = weekOf(schedule, newest, maxWakesPerWeek);
  if (week.length < 2) return undefined;
  const context: Context = { schedule, statistics, wakesNow: week.length, plan: planOf(week), newest };
  const hitRate = statistics.found / statistics.wakes;
  if (hitRate >= 0.8 && statistics.itemsPerFind >= 3) return moreOften(context);
  if (statistics.found === 0) return onceADay(context);
  return fewerTimes(context) ?? (hitRate < 0.25 ? lessOften(context, hitRate) : undefined);
}

interface Context {
  readonly schedule: Schedule;
  readonly statistics: WakeStatistics;
  /** How many wakes the current schedule makes in a week, and when. */
  readonly wakesNow: number;
  readonly plan: WeeklyPlan;
  readonly newest: number;
}

function fewerTimes(context: Context): ScheduleRecommendation | undefined {
  const { statistics, plan } = context;
  const rules = { share: keptShare, leastTries };
  const kept: WeeklyPlan = {
    ...plan,
    hours: worthKeeping(plan.hours, statistics.byHour, rules),
    weekdays: worthKeeping(plan.weekdays, statistics.byWeekday, rules),
  };
  const saw = `${statistics.found} of ${statistics.wakes} wakes found something, nearly always ${planToWords(kept)}.`;
  return recommend(context, 'fewer-times', kept, saw);
}

/** So seldom that about every second wake finds something, and once a day at least. */
function lessOften(context: Context, hitRate: number): ScheduleRecommendation | undefined {
  const { statistics, plan } = context;
  const wakesPerDay = plan.hours.length * plan.minutes.length;
  const kept = Math.max(1, Math.floor(wakesPerDay * hitRate * 2));
  const hours = kept >= plan.hours.length ? plan.hours : spread(plan.hours, kept);
  const saw = `Only ${statistics.found} of ${statistics.wakes} wakes found something, at no particular time.`;
  return recommend(context, 'less-often', { ...plan, minutes: plan.minutes.slice(0, 1), hours }, saw);
}

/** Nothing was ever found: one look a day is enough to notice when that changes. */
function onceADay(context: Context): ScheduleRecommendation | undefined {
  const { statistics, plan } = context;
  const rare: WeeklyPlan = { ...plan, minutes: plan.minutes.slice(0, 1), hours: plan.hours.slice(0, 1) };
  return recommend(context, 'less-often', rare, `None of ${statistics.wakes} wakes found anything.`);
}

function moreOften(context: Context): ScheduleRecommendation | undefined {
  const { statistics, plan } = context;
  const items = statistics.itemsPerFind.toFixed(1);
  const saw = `${statistics.found} of ${statistics.wakes} wakes found something, ${items} things each, so news waits for the next wake.`;
  return recommend(context, 'more-often', { ...plan, hours: withHoursBetween(plan.hours) }, saw);
}

function recommend(
  { schedule, statistics, wakesNow, newest }: Context,
  kind: ScheduleRecommendation['kind'],
  plan: WeeklyPlan,
  observed: string,
): ScheduleRecommendation | undefined {
  const { timezone } = schedule;
  const cron = planToCron(plan);
  const proposed = parseSchedule({ cron, timezone });
  const wakesProposed = weekOf(proposed, newest, maxWakesPerWeek).length;
  const saved = wakesNow - wakesProposed;
  if (kind === 'more-often' ? saved >= 0 : wakesProposed === 0 || saved < wakesNow * leastSaving) return undefined;
  const usdPerWeek = statistics.usdPerWake === undefined ? undefined : statistics.usdPerWake * saved;
  const delayMs = longestDelayMs(proposed, statistics.finds);
  const change = `Waking ${planToWords(plan)} (${timezone}) makes ${wakesProposed} instead of ${wakesNow} wakes a week`;
  const hours = (delayMs / hourMs).toFixed(1);
  const delay =
    kind === 'more-often' || delayMs === 0 ? '' : `; past findings would have come up to ${hours} hours later`;
  return {
    kind,
    cron,
    timezone,
    reason: `${observed} ${change}${costToWords(usdPerWeek)}${delay}.`,
    wakesPerWeek: { now: wakesNow, proposed: wakesProposed },
    savings: { wakesPerWeek: saved, ...(usdPerWeek === undefined ? {} : { usdPerWeek }) },
    longestDelayMs: delayMs,
  };
}

function costToWords(usdPerWeek: number | undefined): string {
  if (usdPerWeek === undefined || usdPerWeek === 0) return '';
  return ` and ${usdPerWeek > 0 ? 'saves' : 'costs'} about ${Math.abs(usdPerWeek).toFixed(2)} USD a week`;
}
