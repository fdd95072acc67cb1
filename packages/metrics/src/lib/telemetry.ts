import { channel } from 'node:diagnostics_channel';
import type { Evaluation } from './evaluation/evaluation.ts';
import type { RunOutcomeReport } from './outcome.ts';

/** The part of an OpenTelemetry `Meter` that is used. */
export interface MeterLike {
  createGauge(
    name: string,
    options?: { readonly unit?: string; readonly description?: string },
  ): {
    record(value: number, attributes?: Readonly<Record<string, string | number | boolean>>): void;
  };
  createCounter(
    name: string,
    options?: { readonly unit?: string; readonly description?: string },
  ): {
    add(value: number, attributes?: Readonly<Record<string, string | number | boolean>>): void;
  };
}

/** The part of an OpenTelemetry `Logger` (of `@opentelemetry/api-logs`) that is used. */
export interface LoggerLike {
  emit(record: {
    readonly eventName: string;
    readonly timestamp: number;
    readonly attributes: Readonly<Record<string, string | number | boolean>>;
  }): void;
}

export interface TelemetryOptions {
  readonly meter?: MeterLike;
  readonly logger?: LoggerLike;
}

/** Reports measurements. Without a meter and a logger only `diagnostics_channel` subscribers hear of them; without those, nobody. */
export interface Telemetry {
  measured(report: RunOutcomeReport): void;
  evaluated(evaluation: Evaluation): void;
}

/** Names of the OpenTelemetry semantic conventions for generative AI (event `gen_ai.evaluation.result`). */
const names = {
  event: 'gen_ai.evaluation.result',
  name: 'gen_ai.evaluation.name',
  value: 'gen_ai.evaluation.score.value',
  label: 'gen_ai.evaluation.score.label',
  explanation: 'gen_ai.evaluation.explanation',
} as const;

const measuredChannel = channel('genie:metrics.measured');
const evaluatedChannel = channel('genie:metrics.evaluated');

export function createTelemetry({ meter, logger }: TelemetryOptions, now: () => number): Telemetry {
  const value = meter?.createGauge('genie.kpi.value', { description: 'Value of a KPI in its own unit' });
  const outcomes = meter?.createCounter('genie.run.outcomes', { description: 'Runs by the outcome that probes saw' });
  const score = meter?.createGauge('genie.evaluation.score', {
    description: 'Score of the last self-evaluation, 0 to 100',
  });
  return {
    measured(report) {
      measuredChannel.publish(report);
      outcomes?.add(1, { 'genie.outcome': report.outcome, 'genie.claim': report.claim });
      for (const { kpiId, unit, status, grade, source, value: number, reason } of report.readings) {
        const base = { 'genie.kpi.unit': unit, 'genie.kpi.grade': grade, 'genie.run.id': report.runId };
        if (number !== undefined)
          value?.record(number, { 'genie.kpi.id': kpiId, 'genie.kpi.unit': unit, 'genie.kpi.status': status });
        const score = number === undefined ? {} : { [names.value]: number };
        const attributes = {
          [names.name]: kpiId,
          [names.label]: status,
          [names.explanation]: reason ?? source,
          ...score,
          ...base,
        };
        logger?.emit({ eventName: names.event, timestamp: now(), attributes });
      }
    },
    evaluated(evaluation) {
      evaluatedChannel.publish(evaluation);
      if (evaluation.score === undefined) return;
      score?.record(evaluation.score, { 'genie.evaluation.reason': evaluation.reason });
      const attributes = {
        [names.name]: 'self-evaluation',
        [names.value]: evaluation.score,
        [names.explanation]: evaluation.summary,
      };
      logger?.emit({ eventName: names.event, timestamp: evaluation.at, attributes });
    },
  };
}
