import { runConformance } from '@genie/core/conformance';
import { describe, expect, it } from 'vitest';
import { busSuite } from '../conformance/bus-suite.ts';
import { suiteCatalogue } from '../conformance/suite-catalogue.ts';
import { createCatalogue, subjectOfEvent } from './catalogue.ts';
import { createMemoryBus } from './memory-bus.ts';

describe('createMemoryBus', () => {
  it('passes the bus suite; sharing between processes is unsupported', async () => {
    const report = await runConformance(busSuite, async () => {
      const bus = createMemoryBus({ domain: 'suite', catalogue: suiteCatalogue, retryDelayMs: 20 });
      return { setup: { bus }, close: () => bus.close() };
    });
    expect(report.results.filter((result) => result.status === 'failed')).toEqual([]);
    expect(report.results.filter((result) => result.status === 'unsupported')).toHaveLength(4);
  }, 30_000);
});

describe('createCatalogue', () => {
  const event = { type: 'schedule.fired', at: 1, source: 'core.schedule', dueAt: 1, lateMs: 0 } as const;

  it('lets the events of the catalogue pass under their subject and nothing else', () => {
    const catalogue = createCatalogue();
    expect(catalogue(subjectOfEvent('schedule.fired'), event)).toBeUndefined();
    expect(catalogue('genie.events.schedule.missed', event)).toContain('schedule.fired');
    expect(catalogue(subjectOfEvent('schedule.fired'), { ...event, lateMs: 'soon' })).toContain('lateMs');
    expect(catalogue('genie.events.constructor.made', { type: 'constructor.made' })).toContain('constructor.made');
    expect(catalogue('genie.users.user.made', {})).toContain('no subject');
  });

  it('lets a server add subjects of its own', () => {
    const catalogue = createCatalogue({
      subjects: { 'genie.users.user.made': (payload) => (payload === null ? 'empty' : undefined) },
    });
    expect(catalogue('genie.users.user.made', {})).toBeUndefined();
    expect(catalogue('genie.users.user.made', null)).toBe('empty');
    expect(catalogue('genie.users.user.gone', {})).toContain('no subject');
  });
});
