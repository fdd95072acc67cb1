import { defineTool, type ObjectStore, type Tool, type ToolContext } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { z } from 'zod';
import { type Chart, chartToSvg } from './chart.ts';
import type { QueryResult } from './run-query.ts';

/** Runs one SELECT over data files. */
export type Ask = (
  request: { readonly sql: string; readonly tables: Readonly<Record<string, string>>; readonly maxRows: number },
  context: ToolContext,
) => Promise<QueryResult>;

const maxPoints = 1000;

/**
 * `draw_chart` { sql, tables, kind?, title }: the first column of the query across, every other column a series; kept as an
 * SVG artifact. Errors: `GENIE_DATA_FORMAT` when a series holds no numbers, and those of a query.
 */
export function drawChart(deps: {
  readonly common: Pick<Tool, 'effect' | 'permissions' | 'timeoutMs'>;
  readonly tables: z.ZodType<Record<string, string>>;
  readonly ask: Ask;
  readonly artifacts: ObjectStore;
}): Tool {
  return defineTool({
    ...deps.common,
    name: 'draw_chart',
    description:
      'Draws a chart (SVG) from one SQL SELECT over data files: its first column goes across, each other column is a series of numbers.',
    input: z.object({
      sql: z.string().min(1).max(100_000),
      tables: deps.tables,
      kind: z.enum(['bar', 'line', 'scatter']).default('bar'),
      title: z.string().min(1).max(120),
    }),
    run: async ({ sql, tables, kind, title }, context) => {
      const found = await deps.ask({ sql, tables, maxRows: maxPoints }, context);
      const chart = toChart(found, { kind, title });
      const key = ['charts', context.runId, `${context.callId}.svg`].map(toKeyPart).join('/');
      const content = Buffer.from(chartToSvg(chart), 'utf8');
      await deps.artifacts.put(key, content, { contentType: 'image/svg+xml', signal: context.signal });
      return {
        artifact: key,
        contentType: 'image/svg+xml',
        sizeBytes: content.length,
        points: chart.labels.length,
        series: chart.series.map(({ name }) => name),
        ...(found.truncated ? { truncated: true } : {}),
      };
    },
  }) as Tool;
}

function toChart({ columns, rows }: QueryResult, about: Pick<Chart, 'kind' | 'title'>): Chart {
  const [first, ...others] = columns.map(({ name }) => name);
  const series = others.slice(0, 8).map((name) => ({ name, values: rows.map((row) => toNumber(row[name])) }));
  const hasNumbers = series.length > 0 && series.every(({ values }) => values.some((value) => value !== null));
  if (first === undefined || !hasNumbers || rows.length === 0) {
    throw new GenieError(
      'GENIE_DATA_FORMAT',
      'There is nothing to draw: select a column of labels and at least one column of numbers, with a row.',
    );
  }
  const labels = rows.map((row) =>
    row[first] === null ? '' : typeof row[first] === 'string' ? row[first] : JSON.stringify(row[first]),
  );
  return { ...about, across: first, labels, series };
}

/** Large numbers come as text. */
function toNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

function toKeyPart(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '_') || '_';
}
