import type { Dashboard, DashboardKpi } from '../dashboard.ts';
import type { DashboardChange } from '../dashboard-changes.ts';
import type { Evaluation } from '../evaluation/evaluation.ts';
import type { ExperimentRow, KpiComparison } from '../experiments/experiment.ts';
import { chart } from './chart.ts';
import { escapeHtml } from './escape-html.ts';
import { dateOf, effectInWords, targetInWords, valueWithUnit } from './terminal.ts';

const words = { met: 'at target', warning: 'warning', missed: 'missed', 'no-data': 'no data' };

export function kpiCard(kpi: DashboardKpi, dashboard: Dashboard): string {
  const grades = [...new Set(kpi.points.filter((point) => point.value !== undefined).map((point) => point.grade))];
  const former =
    kpi.formerUnits.length === 0 ? '' : ` Earlier values in ${escapeHtml(kpi.formerUnits.join(', '))} are not shown.`;
  const days = `${kpi.points.length} ${kpi.points.length === 1 ? 'day' : 'days'} with observations`;
  return `<article>
<header><h3>${escapeHtml(kpi.name)}</h3><span class="value ${kpi.status}">${escapeHtml(valueWithUnit(kpi))}</span></header>
${chart(kpi, dashboard)}
<small><span class="${kpi.status}">${words[kpi.status]}</span> · target ${escapeHtml(targetInWords(kpi))} ${escapeHtml(kpi.unit)} · ${days}${grades.length === 0 ? '' : `, ${grades.join(', ')}`}.${former}</small>
</article>`;
}

export function changesSection(changes: readonly DashboardChange[]): string {
  const cards = changes.map((change) => {
    const { title, state, reason, experimentId, effects } = change;
    const rows = effects
      .filter(({ verdict }) => verdict !== 'same')
      .slice(0, 5)
      .map(
        (effect) =>
          `<li>${escapeHtml(effect.name)}: <span class="${effect.verdict}">${escapeHtml(effectInWords(effect))}</span></li>`,
      );
    const tried = experimentId === undefined ? '' : ' · tried in an experiment first';
    return `<article>
<header><h3>${escapeHtml(title)}</h3><span class="soft">${escapeHtml(state)} ${dateOf(change)}${tried}</span></header>
${reason === undefined ? '' : `<p>${escapeHtml(reason)}</p>`}
${rows.length > 0 ? `<ul>${rows.join('')}</ul>` : '<p class="soft">No KPI moved yet.</p>'}
</article>`;
  });
  return section('Changes', cards);
}

export function experimentsSection(experiments: readonly ExperimentRow[]): string {
  const cards = experiments.toReversed().map(({ createdAt, title, state, report }) => {
    const rows = (report?.comparisons ?? []).filter(({ verdict }) => verdict !== 'no-data').map(comparison);
    const advice =
      report === undefined
        ? ''
        : `<p><strong>${escapeHtml(report.recommendation)}</strong>: ${escapeHtml(report.why)}</p>`;
    const cases = report === undefined ? '' : ` · ${report.cases} runs replayed`;
    return `<article>
<header><h3>${escapeHtml(title)}</h3><span class="soft">${escapeHtml(state)} ${new Date(createdAt).toISOString().slice(0, 10)}${cases}</span></header>
${advice}${rows.length === 0 ? '' : `<ul>${rows.join('')}</ul>`}
</article>`;
  });
  return section('Experiments', cards);
}

function comparison({ name, unit, baseline, changed, verdict }: KpiComparison): string {
  const show = (value: number | undefined): string =>
    value === undefined ? '–' : String(Number(value.toPrecision(4)));
  return `<li>${escapeHtml(name)}: <span class="${verdict}">${show(baseline)} → ${show(changed)} ${escapeHtml(unit)}, ${verdict}</span></li>`;
}

export function evaluationSection(evaluation: Evaluation): string {
  const dropped = evaluation.dropped === 0 ? '' : ` ${evaluation.dropped} statements without evidence were dropped.`;
  const claims = (items: Evaluation['goingWell']): string[] => items.map((claim) => claim.text);
  const parts = [
    list('Going well', claims(evaluation.goingWell)),
    list('Not going well', claims(evaluation.notGoingWell)),
    list('Root causes', claims(evaluation.rootCauses)),
    list(
      'Proposed',
      evaluation.adjustments.map((one) => `${one.title}: ${one.why}`),
    ),
    list(
      'Not asked again',
      evaluation.withheld.map((one) => `${one.title}: ${one.reason}`),
    ),
  ].filter((part) => part !== '');
  const by = `Written by ${escapeHtml(evaluation.writtenBy)} on ${new Date(evaluation.at).toISOString().slice(0, 10)}.`;
  return section('Self-evaluation', [
    `<p>${escapeHtml(evaluation.summary)}</p><p class="soft">${by}${dropped}</p>`,
    ...(parts.length === 0 ? [] : [`<div class="grid">${parts.join('\n')}</div>`]),
  ]);
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  return `<div><h3>${title}</h3><ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul></div>`;
}

function section(title: string, parts: readonly string[]): string {
  return parts.length === 0 ? '' : `<h2>${title}</h2>\n<div class="stack">\n${parts.join('\n')}\n</div>`;
}
