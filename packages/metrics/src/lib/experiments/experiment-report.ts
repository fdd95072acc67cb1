import type { ExperimentReport, KpiComparison } from './experiment.ts';

/** The report for people, as Markdown. */
export function reportToMarkdown(report: ExperimentReport): string {
  const { cost, copy, failed } = report;
  const lines = [
    `# Experiment: ${report.title}`,
    '',
    `**Recommendation: ${report.recommendation}**, because ${report.why}.`,
    '',
    `- Asked for by: ${report.requestedBy}`,
    `- Folder: \`${report.folder}\` (copied: ${copy.files} files, ${copy.bytes} bytes in ${Math.round(copy.tookMs)} ms)`,
    `- From ${new Date(report.startedAt).toISOString()} to ${new Date(report.endedAt).toISOString()}`,
    `- Cases: ${report.cases}; failed: ${failed.baseline} without the change, ${failed.changed} with it`,
    `- Cost: ${cost.usd} USD, ${cost.tokens} tokens; ${cost.recordedCalls} calls from the recording, ${cost.liveCalls} live`,
    ...(report.stoppedBy === undefined ? [] : [`- Stopped early: ${report.stoppedBy}`]),
    ...(copy.skipped.length === 0 ? [] : [`- Left out of the copy: ${copy.skipped.join(', ')}`]),
    '',
    '| KPI | without | with | shift | interval | verdict |',
    '|---|---|---|---|---|---|',
    ...report.comparisons.map(toRow),
    '',
    '## The change',
    '',
    '```json',
    JSON.stringify(report.change, undefined, 2),
    '```',
    '',
  ];
  return lines.join('\n');
}

function toRow({ name, unit, baseline, changed, effect, verdict }: KpiComparison): string {
  const show = (value: number | undefined): string =>
    value === undefined ? 'no data' : String(Number(value.toPrecision(4)));
  const interval =
    effect === undefined
      ? ''
      : `${show(effect.low)} to ${show(effect.high)} (${Math.round(100 * effect.confidence)} %)`;
  const shift = effect === undefined ? '' : show(effect.shift);
  return `| ${name.replaceAll('|', '\\|')} (${unit}) | ${show(baseline)} | ${show(changed)} | ${shift} | ${interval} | ${verdict} |`;
}
