import type { Dashboard, DashboardKpi } from '../dashboard.ts';
import type { SeriesPoint } from '../series.ts';
import { dateToDay } from '../store/observation.ts';
import { escapeHtml } from './escape-html.ts';
import { historyOf } from './terminal.ts';

const width = 600;
const height = 140;
const margin = 8;

/** A line chart as inline SVG: values, the target as a dashed line, changes as vertical lines. Empty without values. */
export function chart(kpi: DashboardKpi, dashboard: Dashboard): string {
  const points = kpi.points.filter((point): point is SeriesPoint & { value: number } => point.value !== undefined);
  const last = points.at(-1);
  if (last === undefined) return '';
  const lastDay = Math.floor(dashboard.at / 86_400_000) + 1;
  const firstDay = Math.min(dateToDay(points[0]?.date ?? last.date), lastDay - 7);
  const all = [...points.map((point) => point.value), kpi.target];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (day: number): number =>
    round(margin + ((day - firstDay) / Math.max(1, lastDay - firstDay)) * (width - 2 * margin));
  const y = (value: number): number =>
    round(height - margin - ((value - low) / (high - low || 1)) * (height - 2 * margin));
  const places = points.map((point) => [x(dateToDay(point.date)), y(point.value)] as const);
  const line = places.map(([left, top]) => `${left},${top}`).join(' ');
  const dots =
    points.length > 120
      ? ''
      : places.map(([left, top], index) => dot(left, top, points[index]?.status ?? 'met')).join('');
  const marks = historyOf(dashboard).map((change) => mark(x(dateToDay(change.date)), change.title));
  const label = `${kpi.name}: ${points.length} values from ${show(low)} to ${show(high)} ${kpi.unit}, last ${show(last.value)}, target ${show(kpi.target)}`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">
<line x1="0" x2="${width}" y1="${y(kpi.target)}" y2="${y(kpi.target)}" stroke="var(--met)" stroke-dasharray="6 4"/>
${marks.join('')}<polyline points="${line}" fill="none" stroke="var(--line)" stroke-width="2"/>
${dots}</svg>`;
}

function dot(left: number, top: number, status: string): string {
  return `<circle cx="${left}" cy="${top}" r="3" fill="var(--${status === 'no-data' ? 'line' : status})"/>`;
}

function mark(left: number, title: string): string {
  return `<line x1="${left}" x2="${left}" y1="0" y2="${height}" stroke="var(--warning)" stroke-dasharray="2 3"><title>${escapeHtml(title)}</title></line>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function show(value: number): string {
  return String(Number(value.toPrecision(4)));
}
