import type { GenieErrorCode } from '@genie/core/errors';
import type { Clock, EgressPort, Ids, LanguageModel, MemoryPort } from '@genie/core/ports';
import type { Changes } from './adjustments/changes.ts';
import type { SettingsTarget } from './adjustments/settings.ts';
import type { EventTimes } from './event-times.ts';
import type { EvidenceStore } from './evidence.ts';
import type { StoredFeedback } from './feedback/feedback.ts';
import type { OffsetAt } from './local-time.ts';
import type { ProbeRegistry } from './probes/probe-registry.ts';
import type { MetricsStore } from './store/metrics-store.ts';
import type { Telemetry } from './telemetry.ts';

/** What the parts of this package share; made once by `openMetrics`. */
export interface Deps {
  readonly store: MetricsStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: Ids;
  readonly offsetAt: OffsetAt;
  readonly evidence: EvidenceStore;
  readonly probes: ProbeRegistry;
  readonly eventTimes: EventTimes;
  readonly roots: readonly string[];
  readonly fetch?: EgressPort['fetch'];
  readonly model?: LanguageModel;
  readonly memory?: Pick<MemoryPort, 'remember'>;
  readonly telemetry: Telemetry;
  readonly changes?: Changes;
  readonly settings?: SettingsTarget;
  /** Told about failures that stop nothing. */
  warn(code: GenieErrorCode, error: unknown): void;
  feedbackSince(from: number): Promise<readonly StoredFeedback[]>;
}
