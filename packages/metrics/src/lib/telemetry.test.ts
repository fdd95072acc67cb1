import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it } from 'vitest';
import { openMetrics } from './open-metrics.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createTestRun } from './testing/test-run.ts';

it('reports each reading as gen_ai.evaluation.result, values as a gauge, once per run', async () => {
  const seen: [string, number, unknown][] = [];
  const events: { eventName: string; attributes: Record<string, unknown> }[] = [];
  const meter = {
    createGauge: (name: string) => ({
      record: (value: number, attributes?: object) => void seen.push([name, value, attributes]),
    }),
    createCounter: (name: string) => ({
      add: (value: number, attributes?: object) => void seen.push([name, value, attributes]),
    }),
  };
  const published: unknown[] = [];
  const listener = (message: unknown): void => void published.push(message);
  subscribe('genie:metrics.measured', listener);
  const telemetry = { meter, logger: { emit: (event: (typeof events)[number]) => void events.push(event) } };
  const metrics = openMetrics({ store: createMemoryStore(), timeZone: 'UTC', clock: { now: () => 5 }, telemetry });
  await metrics.measure(createTestRun({ toolCalls: [] }));
  await metrics.measure(createTestRun({ toolCalls: [] }));
  unsubscribe('genie:metrics.measured', listener);
  expect(published).toHaveLength(1);
  expect(events).toHaveLength(3);
  expect(events[0]).toMatchObject({
    eventName: 'gen_ai.evaluation.result',
    attributes: {
      'gen_ai.evaluation.name': 'items-cited',
      'gen_ai.evaluation.score.value': 100,
      'gen_ai.evaluation.score.label': 'met',
    },
  });
  expect(events[2]?.attributes).not.toHaveProperty('gen_ai.evaluation.score.value');
  expect(seen.filter(([name]) => name === 'genie.kpi.value')).toHaveLength(2);
  expect(seen).toContainEqual(['genie.run.outcomes', 1, { 'genie.outcome': 'partly', 'genie.claim': 'achieved' }]);
});
