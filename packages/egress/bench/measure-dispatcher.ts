import { createEgress } from '@genie/egress';
import { Agent, type Dispatcher } from 'undici';
import { median } from './load.ts';
import { type Row, row } from './row.ts';

/** The in-process dispatcher against a plain agent of the same undici. */
export async function measureDispatcher({
  web,
  log,
}: {
  readonly web: number;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const plain = new Agent();
  const egress = createEgress({
    allow: ['origin.test'],
    ports: [web],
    allowPrivate: [`127.0.0.1:${web}`],
    lookup: async () => ['127.0.0.1'],
  });
  const ratios: number[] = [];
  for (let round = 0; round < 9; round += 1) {
    const bare = await medianRequest(plain, `http://127.0.0.1:${web}`);
    const filtered = await medianRequest(egress.dispatcher, `http://origin.test:${web}`);
    ratios.push(filtered / bare);
  }
  await plain.close();
  await egress.close();
  log(`dispatcher: ${median(ratios).toFixed(3)} × a plain agent`);
  return [
    row(
      'egress.dispatcher',
      'p50 of a request through the dispatcher, against a plain undici agent',
      median(ratios),
      '×',
      1.1,
      'max',
    ),
  ];
}

async function medianRequest(dispatcher: Dispatcher, origin: string): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 600; index += 1) {
    const startedAt = performance.now();
    const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' });
    await body.dump();
    times.push(performance.now() - startedAt);
  }
  return median(times.slice(100));
}
