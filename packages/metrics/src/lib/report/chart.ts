import type { Dashboard, DashboardKpi } from '../dashboard.ts';
import type { SeriesPoint } from '../series.ts';
import { dateToDay } from '../store/observation.ts';
import { escapeHtml } from './escape-html.ts';

/** As wide as a phone, so that its letters are as large as those around it. */
const width = 360;
const height = 150;
const inside = { left: 48, right: 8, top: 10, bottom: 24 };

/** A line chart as inline SVG: values, the target as a dashed line, changes as vertical lines. Empty without values. */
export function chart(kpi: DashboardKpi, dashboard: Dashboard): string {
  const points = kpi.points.filter((point): point is SeriesPoint & { value: number } => point.value !== undefined);
  const last = points.at(-1);
  if (last === undefined) return '';
  const lastDay = Math.max(dateToDay(last.date), Math.floor(dashboard.at / 86_400_000));
  const firstDay = Math.min(dateToDay(points[0]?.date ?? last.date), lastDay - 6);
  const all = [...points.map((point) => point.value), kpi.target];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = scale([firstDay, lastDay], [inside.left, width - inside.right]);
  const y = scale([low, high], [height - inside.bottom, inside.top]);
  const places = points.map((point) => [x(dateToDay(point.date)), y(point.value)] as const);
  const line = places.map(([left, top]) => `${left},${top}`).join(' ');
  const dots =
    points.length > 120
      ? ''
      : places.map(([left, top], index) => dot(left, top, points[index]?.status ?? 'met')).join('');
  const label = `${kpi.name}: ${points.length} values from ${show(low)} to ${show(high)} ${kpi.unit}, last ${show(last.value)}, target ${show(kpi.target)}`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">
<line x1="${inside.left}" x2="${width}" y1="${y(kpi.target)}" y2="${y(kpi.target)}" stroke="var(--met)" stroke-dasharray="6 4"/>
${marks(dashboard, [firstDay, lastDay], x)}<polyline points="${line}" fill="none" stroke="var(--line)" stroke-width="2.5" stroke-linejoin="round"/>
${dots}
${axes({ low, high, firstDay, lastDay })}</svg>`;
}

/** A day or value becomes a place; one without extent lands in the middle. */
function scale(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): (value: number) => number {
  return (value) => round(to === from ? (start + end) / 2 : start + ((value - from) / (to - from)) * (end - start));
}

function axes(range: { low: number; high: number; firstDay: number; lastDay: number }): string {
  const { low, high, firstDay, lastDay } = range;
  const day = (number: number): string => new Date(number * 86_400_000).toISOString().slice(5, 10);
  const bottom = height - 4;
  const left = inside.left - 8;
  const middle = (inside.top + height - inside.bottom) / 2 + 4;
  const values =
    high === low
      ? `<text x="${left}" y="${middle}" text-anchor="end">${show(high)}</text>`
      : `<text x="${left}" y="${inside.top + 4}" text-anchor="end">${show(high)}</text><text x="${left}" y="${height - inside.bottom + 4}" text-anchor="end">${show(low)}</text>`;
  return `${values}
<text x="${inside.left}" y="${bottom}">${day(firstDay)}</text><text x="${width - inside.right}" y="${bottom}" text-anchor="end">${day(lastDay)}</text>`;
}

function dot(left: number, top: number, status: string): string {
  return `<circle cx="${left}" cy="${top}" r="3" fill="var(--${status === 'no-data' ? 'soft-ink' : status})"/>`;
}

/** Where changes were adopted and undone. */
function marks(
  { changes }: Dashboard,
  [firstDay, lastDay]: readonly [number, number],
  x: (day: number) => number,
): string {
  return changes
    .flatMap(({ title, adoptedAt, undoneAt }) => [
      ...(adoptedAt === undefined ? [] : [{ at: adoptedAt, title }]),
      ...(undoneAt === undefined ? [] : [{ at: undoneAt, title: `Undone: ${title}` }]),
    ])
    .map(({ at, title }) => ({ day: at / 86_400_000, title }))
    .filter(({ day }) => day >= firstDay && day < lastDay + 1)
    .map(({ day, title }) => mark(x(Math.min(day, lastDay)), title))
    .join('');
}

function mark(left: number, title: string): string {
  return `<line x1="${left}" x2="${left}" y1="0" y2="${height - inside.bottom}" stroke="var(--warning)" stroke-width="2" stroke-dasharray="2 3"><title>${escapeHtml(title)}</title></line>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Three digits fit beside the chart. */
function show(value: number): string {
  return String(Number(value.toPrecision(3)));
}
