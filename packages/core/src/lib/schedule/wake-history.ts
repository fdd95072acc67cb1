import type { JournalRun } from '../journal/journal.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { WakeObservation } from './wake-statistics.ts';

/**
 * The history of wakes as the journal has it: what `recommendSchedule` learns from. Only runs that a schedule started and that
 * ended by themselves count: a failed or cancelled run says nothing about what there was to find. What a run found are the
 * items of its briefing.
 */
export function wakesOfRuns(runs: readonly JournalRun[]): readonly WakeObservation[] {
  return runs.flatMap(({ meta, closed }): WakeObservation[] => {
    if (closed?.status !== 'completed' && closed?.status !== 'skipped') return [];
    const dueAt = memberOf(memberOf(meta, 'trigger'), 'dueAt');
    if (typeof dueAt !== 'number') return [];
    const items = memberOf(memberOf(closed.outcome, 'briefing'), 'items');
    const costUsd = memberOf(closed.outcome, 'costUsd');
    return [
      {
        at: dueAt,
        woke: closed.status === 'completed',
        items: Array.isArray(items) ? items.length : 0,
        ...(typeof costUsd === 'number' ? { costUsd } : {}),
      },
    ];
  });
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
}
