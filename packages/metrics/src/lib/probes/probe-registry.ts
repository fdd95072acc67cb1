import type { KpiProbe } from '@genie/core/ports';
import { isMeasurable, isWeight } from '../store/observation.ts';
import { citationsProbe } from './citations-probe.ts';
import { eventCountProbe } from './event-count-probe.ts';
import { eventProbe } from './event-probe.ts';
import { feedbackProbe } from './feedback-probe.ts';
import { fileProbe } from './file-probe.ts';
import { httpProbe } from './http-probe.ts';
import { judgeProbe } from './judge-probe.ts';
import type { Probe, ProbeContext, ProbeResult } from './probe.ts';
import { noData } from './probe.ts';
import { runFieldProbe } from './run-field-probe.ts';
import { sourcesProbe } from './sources-probe.ts';
import { sqlProbe } from './sql-probe.ts';
import { toolResultProbe } from './tool-result-probe.ts';

const builtIn: readonly Probe[] = [
  runFieldProbe,
  eventCountProbe,
  eventProbe,
  toolResultProbe,
  citationsProbe,
  sourcesProbe,
  fileProbe,
  httpProbe,
  feedbackProbe,
  sqlProbe,
  judgeProbe,
];

/** The probes a genie knows: the built-in ones and those of its composition root. */
export interface ProbeRegistry {
  readonly kinds: readonly string[];
  /** Throws a plain error for an unknown kind or options that cannot work. */
  check(probe: KpiProbe): void;
  /** Never rejects: whatever goes wrong is "no data" with its reason. */
  observe(probe: KpiProbe, context: ProbeContext): Promise<ProbeResult>;
}

export function createProbeRegistry(extra: readonly Probe[], timeoutMs: number): ProbeRegistry {
  const byKind = new Map([...builtIn, ...extra].map((probe) => [probe.kind, probe]));
  const kinds = [...byKind.keys()].sort();
  const find = (kind: string): Probe => {
    const probe = byKind.get(kind);
    if (probe === undefined) throw new Error(`the kind "${kind}" is unknown; use one of ${kinds.join(', ')}`);
    return probe;
  };
  return {
    kinds,
    check: (options) => find(options.kind).check(options),
    async observe(options, context) {
      const source = `probe:${options.kind}`;
      try {
        const timeout = AbortSignal.timeout(timeoutMs);
        const signal = AbortSignal.any([context.signal, timeout]);
        const result = await beforeAbort(find(options.kind).observe(options, { ...context, signal }), signal);
        return onlyMeasurable(result);
      } catch (error) {
        return noData('failed', source, reasonOf(error, timeoutMs));
      }
    },
  };
}

/** NaN and infinities are not measurements. */
function onlyMeasurable(result: ProbeResult): ProbeResult {
  if ('noData' in result) return result;
  const { value, weight } = result;
  if (!isMeasurable(value)) return noData('failed', result.source, `the value is ${value}, which is no measurement`);
  if (weight !== undefined && !isWeight(weight)) {
    return noData('not-applicable', result.source, `the denominator is ${weight}`);
  }
  return result;
}

/** Settles with the work or, when that does not listen to the signal, with the abort. */
async function beforeAbort<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    stop = () => signal.removeEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop();
    work.catch(() => undefined);
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `the probe took longer than ${timeoutMs} ms`;
  const code = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  return (typeof code === 'string' && code.startsWith('GENIE_') ? `${code}: ${message}` : message).slice(0, 500);
}
