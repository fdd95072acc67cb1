import { GenieError } from '@genie/core/errors';
import type { DashboardKpi, Metrics } from '@genie/metrics';
import { didYouMean } from '../lib/cli/suggest.ts';
import type { Terminal } from '../lib/terminal/terminal.ts';
import { count, dateTime, duration, number, usd } from './amounts.ts';
import { statusMark } from './kpis.ts';
import { plainLine } from './style.ts';
import { table } from './table.ts';

export async function showDashboard(
  metrics: Metrics,
  options: { readonly days: number },
  terminal: Terminal,
): Promise<void> {
  const dashboard = await metrics.dashboard(options);
  terminal.printJson(dashboard);
  const { style } = terminal;
  const { outcomes, cost } = dashboard;
  terminal.print(
    `${style.bold('KPIs')} of the last ${count(dashboard.days, 'day')}${dashboard.score === undefined ? '' : ` · score ${dashboard.score} of 100`}`,
  );
  for (const line of table(
    dashboard.kpis.map((kpi) => kpiRow(kpi, terminal)),
    2,
  ))
    terminal.print(line);
  terminal.print();
  terminal.print(style.bold('Outcomes, as the probes saw them'));
  terminal.print(
    `  ${Object.entries(outcomes)
      .map(([name, times]) => `${name} ${times}`)
      .join(' · ')}`,
  );
  terminal.print(
    `  ${count(cost.runs, 'run')} · ${number(cost.tokens)} tokens${cost.usd === undefined ? '' : ` · ${usd(cost.usd)}`} · ${duration(cost.tookMs)}`,
  );
  if (dashboard.lastEvaluation)
    terminal.print(
      `  self-evaluation ${dateTime(dashboard.lastEvaluation.at)}: ${plainLine(dashboard.lastEvaluation.summary, 200)}`,
    );
}

function kpiRow(kpi: DashboardKpi, { style }: Terminal): readonly string[] {
  const value = kpi.value === undefined ? style.dim('no data') : `${number(kpi.value)} ${kpi.unit}`;
  return [
    statusMark(kpi.status, style),
    plainLine(kpi.name),
    value,
    style.dim(`${kpi.direction === 'up' ? '≥' : '≤'} ${number(kpi.target)}`),
    trend(kpi),
    style.dim(kpi.kpiId),
  ];
}

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** One bar a day, oldest first; days without data leave a gap. */
function trend({ points }: DashboardKpi): string {
  const values = points.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return points
    .slice(-30)
    .map(({ value }) =>
      value === undefined ? ' ' : (bars[high === low ? 4 : Math.round(((value - low) / (high - low)) * 7)] ?? ''),
    )
    .join('');
}

/** Rejects with `GENIE_KPI_UNKNOWN`. */
export async function showObservations(metrics: Metrics, kpiId: string, terminal: Terminal): Promise<void> {
  const ids = (await metrics.definitions()).map(({ id }) => id);
  if (!ids.includes(kpiId)) {
    throw new GenieError(
      'GENIE_KPI_UNKNOWN',
      `There is no KPI "${kpiId}".${didYouMean(kpiId, ids)} Known: ${ids.join(', ')}.`,
    );
  }
  const observations = await metrics.observations({ kpiId });
  terminal.printJson({ kpiId, observations });
  const rows = observations.map((one) => [
    dateTime(one.at),
    one.value === undefined
      ? terminal.style.dim(`no data: ${plainLine(one.reason ?? '', 60)}`)
      : `${number(one.value)} ${one.unit}`,
    one.grade,
    plainLine(one.source, 60),
    terminal.style.dim(one.runId ?? ''),
  ]);
  for (const line of table(rows)) terminal.print(line);
  if (rows.length === 0) terminal.print('Nothing was observed yet.');
}
