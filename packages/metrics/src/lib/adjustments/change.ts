import type { JsonObject } from '@genie/core/ports';
import { z } from 'zod';
import type { StoredRecord } from '../store/metrics-store.ts';
import { adjustmentSchema } from './adjustment.ts';

/** A KPI that an adopted change must not hurt. */
export interface Guard {
  readonly kpiId: string;
  /** How much worse the median may get, as a share of the baseline's. Default 0.1. Noise of the baseline is allowed for on top. */
  readonly maxWorsening?: number;
}

const guardSchema = z.object({ kpiId: z.string(), maxWorsening: z.number().min(0).optional() });

const rowSchema = z.object({
  type: z.literal('adjustment'),
  changeId: z.string(),
  state: z.enum(['adopting', 'adopted', 'aborted', 'undoing', 'undone']),
  title: z.string().optional(),
  adjustment: adjustmentSchema.optional(),
  approvalId: z.string().optional(),
  genieId: z.string().optional(),
  proposalId: z.string().optional(),
  experimentId: z.string().optional(),
  guards: z.array(guardSchema).optional(),
  before: z.record(z.string(), z.json()).optional(),
  after: z.record(z.string(), z.json()).optional(),
  reason: z.string().optional(),
  by: z.string().optional(),
  kept: z.array(z.string()).optional(),
});

/** One line in the history of a change. */
export type ChangeRow = z.infer<typeof rowSchema> & { readonly at: number };

/** An adopted (or once adopted) change as its history tells it. */
export interface Change {
  readonly id: string;
  readonly state: ChangeRow['state'];
  readonly title: string;
  readonly adjustment: NonNullable<ChangeRow['adjustment']>;
  readonly approvalId: string;
  readonly genieId: string;
  readonly proposalId: string;
  readonly experimentId?: string;
  readonly guards: readonly Guard[];
  readonly before: JsonObject;
  readonly after: JsonObject;
  /** Epoch ms. */
  readonly adoptedAt?: number;
  readonly undoneAt?: number;
  /** Why it was undone or aborted. */
  readonly reason?: string;
}

/**
 * Folds the log into changes, oldest first. Rows of other types and rows that do not fit are skipped. The order of states decides, not the
 * order of times: a clock may go back between two steps.
 */
export function toChanges(records: readonly StoredRecord[]): Change[] {
  const rows = records.flatMap((record): ChangeRow[] => {
    const parsed = rowSchema.safeParse(record.body);
    return parsed.success ? [{ ...parsed.data, at: record.at }] : [];
  });
  return [...Map.groupBy(rows, (row) => row.changeId).values()].flatMap((steps) => {
    const ordered = steps.sort((left, right) => order.indexOf(left.state) - order.indexOf(right.state));
    const change = ordered.reduce<Change | undefined>(fold, undefined);
    return change === undefined ? [] : [change];
  });
}

/** The record of a step. One id per change and state: a step that is repeated after a crash is written once. */
export function toRecord(row: ChangeRow): StoredRecord {
  const { at, ...body } = row;
  return { id: `${row.changeId}/${row.state}`, at, body: JSON.parse(JSON.stringify(body)) as JsonObject };
}

/** States in their order. */
const order: readonly ChangeRow['state'][] = ['adopting', 'adopted', 'undoing', 'undone', 'aborted'];

function fold(known: Change | undefined, row: ChangeRow): Change | undefined {
  if (known === undefined) {
    const {
      changeId: id,
      adjustment,
      approvalId,
      genieId,
      proposalId,
      experimentId,
      guards = [],
      before,
      after,
      title = '',
    } = row;
    if (adjustment === undefined || before === undefined || after === undefined) return undefined;
    if (approvalId === undefined || genieId === undefined || proposalId === undefined) return undefined;
    const base = { id, state: row.state, title, adjustment, approvalId, genieId, proposalId, before, after };
    return { ...base, guards: guards.map(toGuard), ...(experimentId === undefined ? {} : { experimentId }) };
  }
  return {
    ...known,
    state: row.state,
    ...(row.state === 'adopted' ? { adoptedAt: row.at } : {}),
    ...(row.state === 'undone' ? { undoneAt: row.at } : {}),
    ...(row.reason === undefined ? {} : { reason: row.reason }),
  };
}

function toGuard({ kpiId, maxWorsening }: z.infer<typeof guardSchema>): Guard {
  return { kpiId, ...(maxWorsening === undefined ? {} : { maxWorsening }) };
}
