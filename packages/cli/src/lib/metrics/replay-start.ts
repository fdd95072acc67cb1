import { GenieError } from '@genie/core/errors';
import type { JournalRecord } from '@genie/core/journal';
import type { JsonObject, Trigger } from '@genie/core/ports';

/** What a run knew when it began. */
export interface ReplayStart {
  readonly trigger: Trigger;
  readonly startedAt: number;
  readonly goal: string;
  readonly memory: { readonly stable: string; readonly volatile: string };
  readonly cursors: JsonObject;
  readonly plan: readonly string[];
}

/** Throws `GENIE_EXPERIMENT_TRIAL` for a run that is gone, or was cut short before it remembered. */
export function readStart(records: readonly JournalRecord[], runId: string): ReplayStart {
  const [opened] = records;
  const phase = (name: string): JsonObject | undefined =>
    records.flatMap((one) => (one.kind === 'phase' && one.phase === name ? [one.output] : []))[0];
  const remembered = phase('remember');
  if (opened?.kind !== 'opened' || remembered === undefined) {
    throw new GenieError(
      'GENIE_EXPERIMENT_TRIAL',
      `The journal has no whole record of run ${runId}; it cannot be replayed.`,
    );
  }
  const meta = opened.meta as unknown as Pick<ReplayStart, 'trigger' | 'startedAt' | 'goal'>;
  const { memory, cursors } = remembered as unknown as Pick<ReplayStart, 'memory' | 'cursors'>;
  const plan = (phase('plan')?.plan ?? []) as readonly string[];
  return { trigger: meta.trigger, startedAt: meta.startedAt, goal: meta.goal, memory, cursors, plan };
}
