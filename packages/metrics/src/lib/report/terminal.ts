import type { KpiStatus } from '@genie/core/ports';
import type { Dashboard, DashboardKpi } from '../dashboard.ts';
import type { ChangeEffect, DashboardChange } from '../dashboard-changes.ts';
import { sparkline } from './sparkline.ts';

export interface TerminalOptions {
  /** ANSI colours. Default false. */
  readonly color?: boolean;
  /** Characters of a sparkline. Default 24. */
  readonly width?: number;
}

const marks: Readonly<Record<KpiStatus, string>> = { met: '✓', warning: '!', missed: '✗', 'no-data': '·' };
const colors: Readonly<Record<KpiStatus, number>> = { met: 32, warning: 33, missed: 31, 'no-data': 90 };

/** The dashboard as a table with sparklines, for `genie metrics`. */
export function dashboardToText(dashboard: Dashboard, options: TerminalOptions = {}): string {
  const paint = (text: string, code: number): string =>
    options.color === true ? `\u001b[${code}m${text}\u001b[0m` : text;
  const head = ['', 'KPI', 'value', 'target', 'trend', ''];
  const rows = dashboard.kpis.map((kpi) => [
    marks[kpi.status],
    kpi.name,
    valueWithUnit(kpi),
    targetInWords(kpi),
    trendOf(kpi, options.width),
    arrowOf(kpi),
  ]);
  const widths = head.map((_cell, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => clean(cell).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const { outcomes, cost } = dashboard;
  const lines = [
    `Score ${dashboard.score ?? '–'} of 100 · ${cost.runs} runs in ${dashboard.days} days: ${outcomes.achieved} achieved, ${outcomes.partly} partly, ${outcomes['not-achieved']} not achieved, ${outcomes.unverified} unverified`,
    `Cost: ${cost.usd === undefined ? 'no price' : `${cost.usd.toFixed(4)} USD`} · ${cost.tokens} tokens · ${Math.round(cost.tookMs / 1000)} s`,
    '',
    paint(line(head), 90),
    ...rows.map((row, index) => paint(line(row), colors[dashboard.kpis[index]?.status ?? 'no-data'])),
  ];
  const changes = dashboard.changes.slice(0, 5);
  if (changes.length > 0) lines.push('', 'Changes:', ...changes.flatMap(changeLines));
  if (dashboard.lastEvaluation !== undefined)
    lines.push('', `Last evaluation: ${clean(dashboard.lastEvaluation.summary)}`);
  return `${lines.join('\n')}\n`;
}

function changeLines(change: DashboardChange): string[] {
  const { state, title, reason } = change;
  const why = reason === undefined ? '' : ` (${clean(reason)})`;
  const moved = change.effects.filter((effect) => effect.verdict !== 'same').slice(0, 3);
  return [
    `  ${dateOf(change)}  ${state.padEnd(8)}  ${clean(title)}${why}`,
    ...moved.map((effect) => `              ${clean(effect.name)}: ${effectInWords(effect)}`),
  ];
}

/** `50 → 100 % (median of 3 and 4 runs), better`. */
export function effectInWords({ before, after, unit, runsBefore, runsAfter, verdict }: ChangeEffect): string {
  const runs = `median of ${runsBefore} and ${runsAfter} runs`;
  return `${show(before)} → ${show(after)} ${clean(unit)} (${runs}), ${verdict}`;
}

/** The day of a change's latest step, UTC. */
export function dateOf({ adoptedAt, undoneAt }: DashboardChange): string {
  const at = undoneAt ?? adoptedAt;
  return at === undefined ? '          ' : new Date(at).toISOString().slice(0, 10);
}

export function valueWithUnit(kpi: DashboardKpi): string {
  return kpi.value === undefined ? 'no data' : `${show(kpi.value)} ${kpi.unit}`;
}

export function targetInWords(kpi: DashboardKpi): string {
  return `${kpi.direction === 'up' ? '≥' : '≤'} ${show(kpi.target)}`;
}

function trendOf(kpi: DashboardKpi, width = 24): string {
  return sparkline(
    kpi.points.map((point) => point.value),
    width,
  );
}

function arrowOf(kpi: DashboardKpi): string {
  if (kpi.value === undefined || kpi.previous === undefined || kpi.value === kpi.previous) return '';
  const better = kpi.value > kpi.previous === (kpi.direction === 'up');
  return `${kpi.value > kpi.previous ? '↑' : '↓'} ${better ? 'better' : 'worse'}`;
}

/** Names come from models: no control characters reach the terminal. */
function clean(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

function show(value: number): string {
  return String(Number(value.toPrecision(4)));
}
