import type { Proposal } from '@genie/core';
import { parseSchedule } from '@genie/core/schedule';
import { bytes, dateTime, number } from './amounts.ts';
import { plainLine, type Style } from './style.ts';
import { table } from './table.ts';

/** A proposal, part by part, with the arithmetic of its cost. */
export function proposalLines(
  proposal: Proposal,
  options: { readonly style: Style; readonly now: number; readonly modelsWhy?: string },
): readonly string[] {
  const { style } = options;
  const rows = [...partRows(proposal, options), ...kpiRows(proposal), ...costRows(proposal)];
  return [
    `${style.bold('Plan for')} "${plainLine(proposal.goal, 100)}"`,
    ...table(
      rows.map(([name, ...cells]) => [style.cyan(name ?? ''), ...cells]),
      2,
    ),
    `  ${style.dim(plainLine(proposal.reason, 300))}`,
  ];
}

type Row = readonly string[];

function partRows(
  proposal: Proposal,
  { now, style, modelsWhy }: { readonly now: number; readonly style: Style; readonly modelsWhy?: string },
): readonly Row[] {
  const { container, schedule, models, tools, domains } = proposal;
  const next = parseSchedule(schedule).next(now);
  const wake = next === undefined ? '' : ` · next ${dateTime(next, schedule.timezone)}`;
  const same =
    models.planning === models.execution ? models.planning : `${models.planning} plans, ${models.execution} executes`;
  return [
    [
      'container',
      `${number(container.cpus)} CPU · ${bytes(container.memoryMb * 1e6)} memory · ${bytes(container.diskMb * 1e6)} disk`,
    ],
    ['schedule', `${schedule.cron} (${schedule.timezone})${wake} · missed wakes: ${schedule.misfire}`],
    ['models', `${same}${modelsWhy ? style.dim(` (${modelsWhy})`) : ''}`],
    ['tools', tools.join(', ') || style.dim('none')],
    ['domains', domains.map((domain) => plainLine(domain)).join(', ') || style.dim('none: it reads only this machine')],
  ];
}

function kpiRows({ kpis }: Proposal): readonly Row[] {
  return kpis.map((kpi, index) => {
    const probe = Object.entries(kpi.probe)
      .map(([key, value]) => (key === 'kind' ? String(value) : `${key}=${String(value)}`))
      .join(' ');
    return [
      index === 0 ? 'KPIs' : '',
      `${plainLine(kpi.name)} ${kpi.direction === 'up' ? '≥' : '≤'} ${number(kpi.target)} ${plainLine(kpi.unit)}, seen by ${plainLine(probe)}`,
    ];
  });
}

function costRows({ cost }: Proposal): readonly Row[] {
  return cost.arithmetic.map((line, index) => [index === 0 ? 'cost' : '', line]);
}
