import { openApprovals } from '@genie/core';
import { createEgress } from '@genie/egress';
import { quantile } from './load.ts';
import { type Row, row } from './row.ts';

/** From the user's decision, written by another instance of the store as a second terminal would, to the answer of the held request. */
export async function measureApprovals(options: {
  readonly web: number;
  readonly dir: string;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const { web, dir, log } = options;
  const asking = openApprovals({ dir });
  const deciding = openApprovals({ dir });
  const egress = createEgress({
    allow: [],
    approvals: asking,
    holdMs: 10_000,
    allowPrivate: [`127.0.0.1:${web}`],
    lookup: async () => ['127.0.0.1'],
  });
  const times: number[] = [];
  for (let index = 0; index < 60; index += 1) {
    const held = egress.fetch(`http://origin.test:${web}/${index}`);
    let row = (await deciding.list({ status: 'pending' }))[0];
    while (row === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      row = (await deciding.list({ status: 'pending' }))[0];
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    await deciding.decide(row.id, { verdict: 'allow-once', by: 'bench' });
    const decidedAt = performance.now();
    await (await held).arrayBuffer();
    times.push(performance.now() - decidedAt);
  }
  await egress.close();
  await asking.close();
  await deciding.close();
  times.sort((left, right) => left - right);
  log(`approval to answer: p50 ${quantile(times, 0.5).toFixed(1)} ms, p99 ${quantile(times, 0.99).toFixed(1)} ms`);
  return [
    row(
      'egress.approval',
      'from an approval in another process to the answer of the held request, p99',
      quantile(times, 0.99),
      'ms',
      50,
      'max',
    ),
  ];
}
