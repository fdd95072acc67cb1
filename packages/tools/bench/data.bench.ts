import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Tool } from '@genie/core';
import { data } from '../src/lib/data/data.ts';
import { callTool } from '../src/lib/testing/tool-context.ts';
import { atMost, type Row } from './measure.ts';

const megabyte = 1024 * 1024;
const fileBytes = 1024 * megabyte;

/** SQL over a CSV file of 1 GB with 512 MB of memory, and how soon it can be stopped. */
export async function bench({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  const workspace = mkdtempSync(join(tmpdir(), 'genie-bench-'));
  try {
    const rows = await writeCsv(join(workspace, 'big.csv'));
    const [query] = data({ workspace, maxMemoryBytes: 512 * megabyte }) as [Tool];
    const ask = (sql: string, context = {}) =>
      callTool(query, { sql, tables: { big: 'big.csv' } }, context) as Promise<{ rows: Record<string, string>[] }>;
    const startedAt = performance.now();
    const answer = await ask(
      'SELECT city, count(*) AS visits, avg(amount) AS mean FROM big GROUP BY city ORDER BY visits DESC',
    );
    const tookMs = performance.now() - startedAt;
    const counted = answer.rows.reduce((sum, row) => sum + Number(row.visits), 0);
    const peak = process.resourceUsage().maxRSS / 1024;
    log(`${rows} rows, ${(tookMs / 1000).toFixed(1)} s, peak of this process ${peak.toFixed(0)} MB`);
    const stopAt = performance.now() + 500;
    const stopped = await ask('SELECT id, count(*) FROM big GROUP BY id ORDER BY 2 DESC LIMIT 1', {
      signal: AbortSignal.timeout(500),
    }).then(
      () => Number.POSITIVE_INFINITY,
      () => performance.now() - stopAt,
    );
    return [
      atMost('tools.data.csv', 'rows a query over a CSV of 1 GB got wrong within 512 MB', {
        value: Math.abs(rows - counted),
        unit: 'rows',
        limit: 0,
      }),
      atMost('tools.data.csv-time', 'time of that query', { value: tookMs / 1000, unit: 's', limit: 120 }),
      atMost('tools.data.stop', 'from an abort to the end of a query', {
        value: Math.min(stopped, 1e9),
        unit: 'ms',
        limit: 1000,
      }),
    ];
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

async function writeCsv(path: string): Promise<number> {
  const cities = ['Oslo', 'Lima', 'Accra', 'Hanoi', 'Quito', 'Turin'];
  const stream = createWriteStream(path);
  let rows = 0;
  let written = 0;
  stream.write('id,city,amount,note\n');
  while (written < fileBytes) {
    let part = '';
    for (let index = 0; index < 20_000; index += 1) {
      part += `${rows},${cities[rows % 6]},${(rows * 7919) % 10_007}.5,a note about visit number ${rows}\n`;
      rows += 1;
    }
    written += part.length;
    if (!stream.write(part)) await once(stream, 'drain');
  }
  stream.end();
  await finished(stream);
  return rows;
}
