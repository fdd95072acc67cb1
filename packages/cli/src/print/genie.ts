import type { ScheduleOptions } from '@genie/core';
import { parseSchedule } from '@genie/core/schedule';
import type { InspectedHome } from '../lib/homes/inspect-home.ts';
import type { RunSummary } from '../lib/homes/run-summary.ts';
import { dateTime, number, relative, usd } from './amounts.ts';
import { plainLine, type Style } from './style.ts';
import { table } from './table.ts';

export interface GenieLinesOptions {
  readonly style: Style;
  readonly width: number;
  readonly now: number;
}

/** A genie on one screen. */
export function genieLines(inspected: InspectedHome, options: GenieLinesOptions): readonly string[] {
  const { style } = options;
  const { name, approvals } = inspected;
  return [
    style.bold(name),
    ...table(
      factRows(inspected, options).map(([label, value]) => [style.cyan(label), value]),
      2,
    ),
    ...(approvals.length > 0
      ? [
          '',
          style.bold('Waits for you'),
          ...table(
            approvals.map((row) => [row.id, plainLine(row.title, options.width - 40)]),
            2,
          ),
        ]
      : []),
    '',
    style.bold('Runs'),
    ...(inspected.runs.length === 0
      ? [style.dim('  none yet')]
      : table(
          inspected.runs.map((run) => runRow(run, options)),
          2,
        )),
  ];
}

type Fact = readonly [label: string, value: string];

function factRows({ file, home, holder, grants }: InspectedHome, { style, now }: GenieLinesOptions): readonly Fact[] {
  const { models, sources = [], egress, budget } = file;
  return [
    ['goal', plainLine(file.goal)],
    ['id', file.id],
    ['home', home],
    ['made', dateTime(file.createdAt)],
    ['in use', holder ? `by process ${holder.pid} on ${holder.host}` : 'no'],
    ['models', models ? `${models.planning} plans, ${models.execution} executes` : 'the first that is usable'],
    [
      'schedule',
      file.schedule ? scheduleWords(file.schedule as ScheduleOptions, now) : 'none: it wakes when you wake it',
    ],
    ...sources.map(
      (source, index): Fact => [index === 0 ? 'sources' : '', `${source.kind} ${plainLine(source.location)}`],
    ),
    ['may reach', [...(egress?.allow ?? [])].join(', ') || style.dim('nothing without asking')],
    ...grants.map(
      (grant, index): Fact => [
        index === 0 ? 'grants' : '',
        `${grant.effect} ${plainLine(grant.subject)} ${style.dim(`since ${dateTime(grant.grantedAt)}`)}`,
      ],
    ),
    ...(budget
      ? [
          [
            'budget',
            Object.entries(budget)
              .map(([limit, value]) => `${limit} ${number(value ?? 0)}`)
              .join(', '),
          ] as Fact,
        ]
      : []),
  ];
}

function scheduleWords(schedule: ScheduleOptions, now: number): string {
  const parsed = parseSchedule(schedule);
  const next = parsed.next(now);
  return `${parsed.cron} (${parsed.timezone})${next === undefined ? '' : `, next ${relative(next, now)}`}`;
}

function runRow(run: RunSummary, { style, now }: GenieLinesOptions): readonly string[] {
  const { outcome } = run;
  const spent = outcome
    ? `${number(outcome.usage.inputTokens + outcome.usage.outputTokens)} tokens${outcome.costUsd === undefined ? '' : ` ${usd(outcome.costUsd)}`}`
    : '';
  return [
    run.runId,
    paintStatus(run.status, style),
    relative(run.openedAt, now),
    run.trigger?.kind ?? '',
    spent,
    plainLine(outcome?.briefing?.title ?? outcome?.reason ?? '', 50),
  ];
}

/** The status in the colour that says whether to look. */
export function paintStatus(status: RunSummary['status'], style: Style): string {
  if (status === 'completed') return style.green(status);
  if (status === 'failed' || status === 'damaged') return style.red(status);
  return status === 'skipped' ? style.dim(status) : style.yellow(status);
}
