import type { ErrorRecord } from '../genie-error.ts';
import { parseJson } from '../json.ts';

/** A line of `wakes.jsonl`. Times are epoch ms. */
export type WakeRecord =
  /** From here on this schedule counts; wakes before `at` are not its. */
  | { readonly kind: 'armed'; readonly at: number; readonly cron: string; readonly timezone: string }
  /** The wake is about to be handed over. */
  | {
      readonly kind: 'fired';
      readonly id: string;
      readonly at: number;
      readonly dueAt: number;
      readonly lateMs: number;
    }
  /** The wake was handed over, failed, or was too old to be tried again after a crash. */
  | {
      readonly kind: 'done';
      readonly id: string;
      readonly at: number;
      readonly status: 'accepted' | 'failed' | 'abandoned';
      readonly error?: ErrorRecord;
    }
  | {
      readonly kind: 'missed';
      readonly id: string;
      readonly at: number;
      readonly dueAt: number;
      readonly lateMs: number;
      readonly action: 'skipped' | 'run';
    }
  /** More wakes were missed in `from < wake <= to` than are worth a line each. */
  | { readonly kind: 'missed-many'; readonly at: number; readonly from: number; readonly to: number };

/** The identity of a wake comes from its due time alone, e.g. `wake_20260105T070000Z`. */
export function wakeIdOf(dueAt: number): string {
  return `wake_${new Date(dueAt).toISOString().replace(/[-:]|\.\d{3}/g, '')}`;
}

export function recordsToText(records: readonly WakeRecord[]): string {
  return records.map((record) => `${JSON.stringify({ format: 1, ...record })}\n`).join('');
}

/** The records of a log, and how many lines were unreadable: a torn end, a newer format. */
export function parseWakeLog(text: string): { readonly records: readonly WakeRecord[]; readonly unreadable: number } {
  const records: WakeRecord[] = [];
  let unreadable = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const record = parseLine(line);
    if (record) records.push(record);
    else unreadable += 1;
  }
  return { records, unreadable };
}

const membersByKind: Readonly<Record<WakeRecord['kind'], Readonly<Record<string, 'string' | 'number'>>>> = {
  armed: { at: 'number', cron: 'string', timezone: 'string' },
  fired: { id: 'string', at: 'number', dueAt: 'number', lateMs: 'number' },
  done: { id: 'string', at: 'number', status: 'string' },
  missed: { id: 'string', at: 'number', dueAt: 'number', lateMs: 'number', action: 'string' },
  'missed-many': { at: 'number', from: 'number', to: 'number' },
};

function parseLine(line: string): WakeRecord | undefined {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { format, ...record } = value as Record<string, unknown>;
  const kind = String(record.kind);
  if (format !== 1 || !Object.hasOwn(membersByKind, kind)) return undefined;
  const members = membersByKind[kind as WakeRecord['kind']];
  const isComplete = Object.entries(members).every(([name, type]) => typeof record[name] === type);
  return isComplete ? (record as unknown as WakeRecord) : undefined;
}
