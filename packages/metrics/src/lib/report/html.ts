import type { Dashboard } from '../dashboard.ts';
import type { Evaluation } from '../evaluation/evaluation.ts';
import type { ExperimentRow } from '../experiments/experiment.ts';
import { escapeHtml } from './escape-html.ts';
import { changesSection, evaluationSection, experimentsSection, kpiCard } from './html-sections.ts';
import { style } from './style.ts';

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
${head(dashboard)}
<h2>KPIs</h2>
<div class="grid">
${dashboard.kpis.map((kpi) => kpiCard(kpi, dashboard)).join('\n')}
</div>
${changesSection(dashboard.changes)}
${experimentsSection(options.experiments ?? [])}
${options.evaluation === undefined ? '' : evaluationSection(options.evaluation)}
</main>
</body>
</html>
`;
}

const outcomeWords = [
  ['achieved', 'met', 'achieved'],
  ['partly', 'warning', 'partly'],
  ['not-achieved', 'missed', 'not achieved'],
  ['unverified', 'no-data', 'unverified'],
] as const;

function head({ score, outcomes, cost, days, at }: Dashboard): string {
  const tally = outcomeWords
    .filter(([outcome]) => outcomes[outcome] > 0)
    .map(([outcome, color, words]) => `<li><strong class="${color}">${outcomes[outcome]}</strong> ${words}</li>`);
  const price = cost.usd === undefined ? 'no price' : `${cost.usd.toFixed(4)} USD`;
  const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  return `<div class="head"><p class="score">${score ?? '–'} <small>of 100</small></p>
<div><p>${cost.runs} runs in ${days} days, as the probes saw them</p>
<ul class="tally">${tally.join('')}</ul></div></div>
<p class="soft">${price} · ${cost.tokens} tokens · ${Math.round(cost.tookMs / 1000)} s · ${when} UTC</p>`;
}
