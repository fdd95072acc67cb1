import type { Dashboard, DashboardKpi } from '../dashboard.ts';
import type { Evaluation } from '../evaluation/evaluation.ts';
import type { ExperimentRow } from '../experiments/experiment.ts';
import { chart } from './chart.ts';
import { escapeHtml } from './escape-html.ts';
import { historyOf, targetInWords, valueWithUnit } from './terminal.ts';

export interface HtmlReportOptions {
  /** Default "Metrics". */
  readonly title?: string;
  /** Shown below the charts. */
  readonly evaluation?: Evaluation;
  readonly experiments?: readonly ExperimentRow[];
}

/**
 * The dashboard as one HTML file: charts are inline SVG, no script, nothing is loaded from elsewhere (a content security policy forbids
 * it), readable on a phone and in the dark.
 */
export function dashboardToHtml(dashboard: Dashboard, options: HtmlReportOptions = {}): string {
  const title = escapeHtml(options.title ?? 'Metrics');
  const { outcomes, cost } = dashboard;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="score"><strong>${dashboard.score ?? '–'}</strong> of 100</p>
<p>${cost.runs} runs in ${dashboard.days} days: ${outcomes.achieved} achieved, ${outcomes.partly} partly, ${outcomes['not-achieved']} not achieved, ${outcomes.unverified} unverified.
${cost.usd === undefined ? '' : `${cost.usd.toFixed(4)} USD, `}${cost.tokens} tokens, ${Math.round(cost.tookMs / 1000)} s. ${new Date(dashboard.at).toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>
${dashboard.kpis.map((kpi) => card(kpi, dashboard)).join('\n')}
${changes(dashboard)}
${experimentsSection(options.experiments ?? [])}
${options.evaluation === undefined ? '' : evaluationSection(options.evaluation)}
</main>
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; --met: #1a7f37; --warning: #9a6700; --missed: #cf222e; --line: #57606a; --soft: #8c959f33; }
@media (prefers-color-scheme: dark) { :root { --met: #3fb950; --warning: #d29922; --missed: #f85149; --line: #9198a1; } }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
.score strong { font-size: 3rem; line-height: 1; }
article { border: 1px solid var(--soft); border-radius: .5rem; padding: .75rem; margin: 0 0 .75rem; }
h1, h2, h3 { line-height: 1.25; } h2 { font-size: 1.1rem; margin: 0; display: flex; gap: .5rem; justify-content: space-between; flex-wrap: wrap; }
.met { color: var(--met); } .warning { color: var(--warning); } .missed { color: var(--missed); } .no-data { color: var(--line); }
svg { width: 100%; height: auto; display: block; } small { color: var(--line); }
table { border-collapse: collapse; width: 100%; } td { padding: .25rem .5rem .25rem 0; vertical-align: top; border-top: 1px solid var(--soft); }
`;

const words = { met: 'at target', warning: 'warning', missed: 'missed', 'no-data': 'no data' };

function card(kpi: DashboardKpi, dashboard: Dashboard): string {
  const grades = [...new Set(kpi.points.filter((point) => point.value !== undefined).map((point) => point.grade))].join(
    ', ',
  );
  const former =
    kpi.formerUnits.length === 0 ? '' : ` Earlier values in ${escapeHtml(kpi.formerUnits.join(', '))} are not shown.`;
  return `<article>
<h2><span>${escapeHtml(kpi.name)}</span><span class="${kpi.status}">${escapeHtml(valueWithUnit(kpi))} · ${words[kpi.status]}</span></h2>
${chart(kpi, dashboard)}
<small>Target ${escapeHtml(targetInWords(kpi))} ${escapeHtml(kpi.unit)}. ${kpi.points.length} days with observations${grades === '' ? '' : `, ${grades}`}.${former}</small>
</article>`;
}

function changes(dashboard: Dashboard): string {
  const rows = historyOf(dashboard).map(
    (row) =>
      `<tr><td>${row.date}</td><td>${escapeHtml(row.state)}</td><td>${escapeHtml(row.title + row.reason)}</td></tr>`,
  );
  return rows.length === 0 ? '' : `<h2>Changes</h2>\n<table>${rows.join('\n')}</table>`;
}

function experimentsSection(experiments: readonly ExperimentRow[]): string {
  const rows = experiments.toReversed().map(({ createdAt, title, state, report }) => {
    const advice = report === undefined ? '' : `${report.recommendation}: ${report.why}`;
    const date = new Date(createdAt).toISOString().slice(0, 10);
    return `<tr><td>${date}</td><td>${escapeHtml(title)}</td><td>${escapeHtml(state)}</td><td>${escapeHtml(advice)}</td></tr>`;
  });
  return rows.length === 0 ? '' : `<h2>Experiments</h2>\n<table>${rows.join('\n')}</table>`;
}

function evaluationSection(evaluation: Evaluation): string {
  const list = (title: string, items: readonly string[]): string =>
    items.length === 0
      ? ''
      : `<h3>${title}</h3>\n<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
  return `<h2>Self-evaluation</h2>
<p>${escapeHtml(evaluation.summary)} <small>Written by ${escapeHtml(evaluation.writtenBy)}; ${evaluation.dropped} statements without evidence were dropped.</small></p>
${list(
  'Going well',
  evaluation.goingWell.map((claim) => claim.text),
)}
${list(
  'Not going well',
  evaluation.notGoingWell.map((claim) => claim.text),
)}
${list(
  'Root causes',
  evaluation.rootCauses.map((claim) => claim.text),
)}
${list(
  'Proposed',
  evaluation.adjustments.map((one) => `${one.title}: ${one.why}`),
)}`;
}
