import { GenieError } from '@genie/core/errors';
import type { JsonValue, KpiDefinition, KpiStatus } from '@genie/core/ports';
import { z } from 'zod';

export const cadences = ['run', 'hour', 'day', 'week', 'month'] as const;
/** How long an observation counts towards the current value of a KPI. */
export type Cadence = (typeof cadences)[number];

const aggregations = ['count', 'sum', 'mean', 'percentile', 'ratio', 'rate', 'yes-no'] as const;
const finite = z.number().refine(Number.isFinite, 'must be a finite number');

const definitionSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be lower-case words with dashes, e.g. "items-cited"')
      .max(80),
    name: z.string().min(1).max(200),
    unit: z.string().min(1).max(40),
    direction: z.enum(['up', 'down']),
    target: finite,
    warning: finite.optional(),
    failure: finite.optional(),
    cadence: z.enum(cadences).optional(),
    aggregation: z.enum(aggregations).optional(),
    probe: z.looseObject({ kind: z.string().min(1) }),
  })
  .superRefine((kpi, context) => {
    const worse = (left: number, right: number): boolean => (kpi.direction === 'up' ? left > right : left < right);
    const order = kpi.direction === 'up' ? 'failure <= warning <= target' : 'failure >= warning >= target';
    const levels = [kpi.failure, kpi.warning, kpi.target].filter((level) => level !== undefined);
    for (const [index, level] of levels.entries()) {
      const next = levels[index + 1];
      if (next !== undefined && worse(level, next)) {
        context.addIssue({ code: 'custom', path: ['target'], message: `direction "${kpi.direction}" needs ${order}` });
      }
    }
  });

/** Checks the options of one probe kind. Throws a plain error that says what is wrong. */
export type CheckProbe = (probe: KpiDefinition['probe']) => void;

/**
 * Checks definitions as a user or a model wrote them. Throws `GENIE_KPI_INVALID`, which names the KPI, the member, the value received
 * and what would be right.
 */
export function parseDefinitions(input: unknown, checkProbe: CheckProbe): readonly KpiDefinition[] {
  if (!Array.isArray(input)) {
    throw invalid(`Definitions must be a list of KPIs, got ${describe(input)}.`, { received: input });
  }
  const seen = new Set<string>();
  return input.map((one: unknown, index) => {
    const kpi = parseDefinition(one, index, checkProbe);
    if (seen.has(kpi.id))
      throw invalid(`The id "${kpi.id}" is used twice. Give every KPI an id of its own.`, { id: kpi.id });
    seen.add(kpi.id);
    return kpi;
  });
}

function parseDefinition(input: unknown, index: number, checkProbe: CheckProbe): KpiDefinition {
  const parsed = definitionSchema.safeParse(input);
  const id = (input as { id?: unknown } | null)?.id;
  const name = typeof id === 'string' ? `KPI "${id}"` : `KPI number ${index + 1}`;
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const member = issue?.path.join('.') || 'definition';
    const received = describe(valueAt(input, issue?.path ?? []));
    throw invalid(`${name}: ${member} is ${received}: ${issue?.message}.`, { id, member });
  }
  const kpi = JSON.parse(JSON.stringify(parsed.data)) as KpiDefinition;
  try {
    checkProbe(kpi.probe);
  } catch (error) {
    throw invalid(`${name}: its probe ${describe(kpi.probe)} cannot work: ${(error as Error).message}`, {
      id,
      member: 'probe',
    });
  }
  return kpi;
}

/**
 * `met` at the target or better; `missed` at `failure` or worse (without `failure`: worse than `warning`; without both: short of the
 * target); `warning` in between.
 */
export function statusOf(
  kpi: Pick<KpiDefinition, 'direction' | 'target' | 'warning' | 'failure'>,
  value: number,
): KpiStatus {
  const sign = kpi.direction === 'up' ? 1 : -1;
  if (sign * value >= sign * kpi.target) return 'met';
  if (kpi.failure !== undefined) return sign * value <= sign * kpi.failure ? 'missed' : 'warning';
  if (kpi.warning !== undefined) return sign * value < sign * kpi.warning ? 'missed' : 'warning';
  return 'missed';
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], input);
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return (JSON.stringify(value as JsonValue) ?? 'missing').slice(0, 120);
}

function invalid(message: string, details: Record<string, unknown>): GenieError {
  return new GenieError('GENIE_KPI_INVALID', message, { details });
}
