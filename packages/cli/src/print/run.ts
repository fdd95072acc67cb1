import type { JournalRecord } from '@genie/core/journal';
import type { RunSummary } from '../lib/homes/run-summary.ts';
import { dateTime, duration, number, usd } from './amounts.ts';
import { paintStatus } from './genie.ts';
import { kpiLine } from './kpis.ts';
import { markdown } from './markdown.ts';
import { plainLine, type Style } from './style.ts';

export interface RunLinesOptions {
  readonly style: Style;
  readonly width: number;
  /** Every record whole, instead of one line each. */
  readonly whole: boolean;
}

/** A run: how it ended, what it wrote, what was measured, what it did. */
export function runLines(
  run: RunSummary,
  records: readonly JournalRecord[],
  options: RunLinesOptions,
): readonly string[] {
  const { style } = options;
  const { outcome } = run;
  const took = run.closedAt === undefined ? '' : ` · ${duration(run.closedAt - run.openedAt)}`;
  return [
    `${style.bold(run.runId)} · ${paintStatus(run.status, style)} · ${run.trigger?.kind ?? 'unknown trigger'} · ${dateTime(run.openedAt)}${took}`,
    ...(outcome?.reason ? [`  ${plainLine(outcome.reason)}`] : []),
    ...(run.approvalIds.length > 0 ? [`  waits for ${run.approvalIds.join(', ')}`] : []),
    ...(outcome
      ? [
          `  ${number(outcome.usage.modelCalls)} model calls · ${number(outcome.usage.inputTokens)} tokens in, ${number(outcome.usage.outputTokens)} out${outcome.costUsd === undefined ? '' : ` · ${usd(outcome.costUsd)}`}`,
        ]
      : []),
    ...(outcome?.text ? ['', ...markdown(outcome.briefing?.markdown ?? outcome.text, options)] : []),
    ...(outcome?.verdict
      ? ['', style.bold('Measured'), ...outcome.verdict.readings.map((reading) => `  ${kpiLine(reading, style)}`)]
      : []),
    '',
    style.bold('Records'),
    ...records.map((record) => `  ${options.whole ? JSON.stringify(record) : recordWords(record, options)}`),
  ];
}

function recordWords(record: JournalRecord, { style, width }: RunLinesOptions): string {
  const room = Math.max(30, width - 24);
  const line = (kind: string, words: string) => `${style.cyan(kind.padEnd(9))} ${plainLine(words, room)}`;
  switch (record.kind) {
    case 'opened':
      return line('opened', dateTime(record.at));
    case 'phase':
      return line('phase', record.phase);
    case 'answer': {
      const parts = record.content.map((part) =>
        part.type === 'call' ? `calls ${part.tool} ${part.input}` : part.text,
      );
      return line('answer', `step ${record.step}: ${parts.join(' · ')}`);
    }
    case 'intent':
      return line('intent', `${record.callId} ${record.state}`);
    case 'result':
      return line(
        'result',
        `${record.callId} ${record.status} in ${duration(record.tookMs)}${record.error ? `: ${record.error.message} [${record.error.code}]` : ''}`,
      );
    case 'suspended':
      return line('suspended', `waits for ${record.approvalIds.join(', ')}`);
    case 'finished':
      return line('finished', record.error ? `${record.reason}: ${record.error.message}` : record.reason);
    case 'closed':
      return line('closed', record.status);
    default:
      return record satisfies never;
  }
}
