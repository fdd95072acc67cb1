import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openMemory } from '@genie/memory';
import { atLeast, info, percentile, type Row, times } from './rows.ts';

interface Options {
  readonly log: (line: string) => void;
}

const batch = 50_000;

/** A million tiny memories in one namespace. `GENIE_BENCH_TINY` sets how many. */
export async function bench({ log }: Options): Promise<Row[]> {
  const total = Number(process.env.GENIE_BENCH_TINY ?? 1_000_000);
  const dir = mkdtempSync(path.join(tmpdir(), 'genie-memory-tiny-'));
  const memory = openMemory({ dir });
  try {
    const startedAt = performance.now();
    for (let from = 0; from < total; from += batch) {
      const length = Math.min(batch, total - from);
      await memory.remember(Array.from({ length }, (_one, at) => ({ id: `t${from + at}`, text: `t${from + at}` })));
    }
    const perSecond = total / ((performance.now() - startedAt) / 1_000);
    log(`${total} stored`);
    const buildingAt = performance.now();
    const first = await memory.recall('t7', { k: 1 });
    const buildMs = performance.now() - buildingAt;
    const recalls = await times(200, (at) => memory.recall(`t${(at * 7_919) % total}`, { k: 1 }));
    const { live } = await memory.stats();
    const whole = live === total && first.items[0]?.id === 't7';
    const rssMb = process.memoryUsage().rss / 1024 / 1024;
    return [
      atLeast('memory.tiny.kept', 'tiny memories kept, of those given', whole ? total : live, '', total),
      info('memory.tiny.bulk', 'tiny memories stored a second', perSecond, '1/s'),
      info('memory.tiny.build', 'first recall, which builds the index', buildMs, 'ms'),
      info('memory.tiny.recall.p95', 'recall among them, p95', percentile(recalls, 0.95), 'ms'),
      info('memory.tiny.rss', 'memory of the process with the index open', rssMb, 'MB'),
    ];
  } finally {
    await memory.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
