import { GenieError } from '@genie/core/errors';
import type { DashboardChange, DashboardKpi, Evaluation, Metrics } from '@genie/metrics';
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
  if (dashboard.changes.length > 0) {
    terminal.print();
    terminal.print(style.bold('Changes'));
    for (const line of changeLines(dashboard.changes.slice(0, 5), terminal)) terminal.print(line);
  }
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

/** What was adopted, and what became of it. */
export function showChanges(changes: readonly DashboardChange[], terminal: Terminal): void {
  terminal.printJson({ changes });
  if (changes.length === 0) terminal.print('Nothing was changed yet.');
  for (const line of changeLines(changes, terminal)) terminal.print(line);
}

function changeLines(changes: readonly DashboardChange[], { style }: Terminal): readonly string[] {
  return changes.flatMap(({ id, title, state, adoptedAt, undoneAt, reason, effects, experimentId }) => {
    const at = undoneAt ?? adoptedAt;
    const why = reason === undefined ? '' : `: ${plainLine(reason, 160)}`;
    const tried = experimentId === undefined ? '' : ', tried first';
    const moved = effects.filter(({ verdict }) => verdict !== 'same').slice(0, 5);
    return [
      `  ${at === undefined ? '' : `${dateTime(at)}  `}${state === 'adopted' ? style.green(state) : style.yellow(state)}${tried}  ${plainLine(title)}${why} ${style.dim(id)}`,
      ...moved.map((effect) => {
        const paint = { better: style.green, worse: style.red, same: style.dim, unclear: style.dim }[effect.verdict];
        const values = `${number(effect.before)} → ${number(effect.after)} ${effect.unit}`;
        return `    ${plainLine(effect.name)}  ${paint(`${plainLine(values)}, ${effect.verdict}`)} ${style.dim(`(median of ${effect.runsBefore} and ${effect.runsAfter} runs)`)}`;
      }),
    ];
  });
}

/** A self-evaluation in words, with what it asks for. */
export function tellEvaluation(evaluation: Evaluation, terminal: Terminal, words: string): void {
  const { style } = terminal;
  terminal.print(style.bold(plainLine(evaluation.summary, 300)));
  const list = (title: string, claims: Evaluation['goingWell']): void => {
    if (claims.length === 0) return;
    terminal.print(`${title}:`);
    for (const { text, evidence } of claims)
      terminal.print(
        `  - ${plainLine(text, 400)} ${style.dim(`[${plainLine(evidence.slice(0, 3).join(', '), 120)}]`)}`,
      );
  };
  list('Going well', evaluation.goingWell);
  list('Not going well', evaluation.notGoingWell);
  list('Root causes', evaluation.rootCauses);
  for (const line of proposalLines(evaluation, terminal, words)) terminal.print(line);
  for (const { title, reason } of evaluation.withheld)
    terminal.print(style.dim(`Not asked again: ${plainLine(title)} (${plainLine(reason, 160)})`));
}

/** What a self-evaluation asks for, each with the next command lines. */
export function proposalLines(evaluation: Evaluation, { style }: Pick<Terminal, 'style'>, words: string): string[] {
  return evaluation.adjustments.flatMap(({ title, why, expectedGain, approvalId }) => {
    const gain = expectedGain === undefined ? '' : ` Expected: ${plainLine(expectedGain, 200)}.`;
    const next =
      approvalId === undefined
        ? []
        : [
            style.dim(`    try it first:  genie experiment ${words} ${approvalId}`),
            style.dim(`    decide:        genie approve ${words} ${approvalId} --allow-once`),
          ];
    return [`  ${style.magenta('?')} ${plainLine(title)}: ${plainLine(why, 300)}${gain}`, ...next];
  });
}
