import type { KpiReading, KpiStatus } from '@genie/core/ports';
import { number } from './amounts.ts';
import { plainLine, type Style } from './style.ts';

/** `✓ Sources read 2 sources (target 2, measured)`. */
export function kpiLine(reading: KpiReading, style: Style): string {
  const value =
    reading.value === undefined
      ? `no data (${plainLine(reading.reason ?? 'nothing was seen', 80)})`
      : `${number(reading.value)} ${reading.unit}`;
  return `${statusMark(reading.status, style)} ${plainLine(reading.name)} ${value} ${style.dim(`(target ${number(reading.target)}, ${reading.grade})`)}`;
}

export function statusMark(status: KpiStatus, style: Style): string {
  const marks: Readonly<Record<KpiStatus, string>> = {
    met: style.green('✓'),
    warning: style.yellow('!'),
    missed: style.red('✗'),
    'no-data': style.dim('·'),
  };
  return marks[status];
}
