import type { EgressPort, JsonValue, KpiDefinition, KpiProbe, LanguageModel, RunRecord } from '@genie/core/ports';
import type { z } from 'zod';
import type { StoredFeedback } from '../feedback/feedback.ts';
import type { OffsetAt } from '../local-time.ts';
import type { Grade, NoDataKind } from '../store/observation.ts';

/** What a probe may look at. It can write nowhere and reach only what is named here. */
export interface ProbeContext {
  readonly run: RunRecord;
  readonly kpi: KpiDefinition;
  /** Epoch ms. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly offsetAt: OffsetAt;
  /** Folders that file and SQL probes may read, as absolute real paths. */
  readonly roots: readonly string[];
  /** The one door out; without it HTTP probes have no data. */
  readonly fetch?: EgressPort['fetch'];
  /** For judgements, which are always `estimated`. */
  readonly model?: LanguageModel;
  feedback(from: number): Promise<readonly StoredFeedback[]>;
  /** The first time (epoch ms) an event of this type was seen in the run; undefined when it was not. */
  eventAt(type: string): number | undefined;
}

/** A value with the evidence behind it, or the reason why there is none. */
export type ProbeResult =
  | {
      readonly value: number;
      /** The denominator, for the aggregation `ratio`. */
      readonly weight?: number;
      readonly grade: Grade;
      readonly source: string;
      /** What was seen. Hashed, and kept unless `keptAt` says where it already is. */
      readonly evidence: JsonValue;
      readonly keptAt?: string;
    }
  | { readonly noData: NoDataKind; readonly reason: string; readonly source: string };

/** One way to observe a KPI. `observe` may throw: that becomes "no data" with the error's message. */
export interface Probe {
  readonly kind: string;
  /** Throws a plain error when these options cannot work. Called when a KPI is defined. */
  check(options: KpiProbe): void;
  observe(options: KpiProbe, context: ProbeContext): Promise<ProbeResult>;
}

/** Makes a probe from a schema of its options. Unknown members are refused, so a typing mistake is found when the KPI is defined. */
export function defineProbe<Options extends z.ZodType>(
  kind: string,
  schema: Options,
  observe: (options: z.infer<Options>, context: ProbeContext) => ProbeResult | Promise<ProbeResult>,
): Probe {
  const parse = ({ kind: _kind, percentile: _percentile, ...options }: KpiProbe): z.infer<Options> => {
    const parsed = schema.safeParse(options);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new Error(`${issue?.path.join('.') || 'options'}: ${issue?.message}`);
  };
  return {
    kind,
    check(options) {
      const { percentile } = options;
      if (percentile !== undefined && !(typeof percentile === 'number' && percentile > 0 && percentile < 100)) {
        throw new Error(`percentile: must be between 0 and 100, got ${String(percentile)}`);
      }
      parse(options);
    },
    observe: async (options, context) => observe(parse(options), context),
  };
}

/** A fact of the run record; its evidence is the part looked at and stays with the run. */
export function fromRun(
  context: ProbeContext,
  part: string,
  fact: { readonly value: number; readonly weight?: number; readonly evidence: JsonValue; readonly grade?: Grade },
): ProbeResult {
  const { value, weight, evidence, grade = 'measured' } = fact;
  const source = `run:${part}`;
  const keptAt = `run:${context.run.runId}`;
  return { value, ...(weight === undefined ? {} : { weight }), grade, source, evidence, keptAt };
}

export function noData(noData: NoDataKind, source: string, reason: string): ProbeResult {
  return { noData, reason, source };
}
