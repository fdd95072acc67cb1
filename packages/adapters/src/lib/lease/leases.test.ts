import { runConformance } from '@genie/core/conformance';
import { fixedClock } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { leaseSuite } from '../conformance/lease-suite.ts';
import { createMemoryLeases, type LeaseRows } from './memory-leases.ts';

describe('createMemoryLeases', () => {
  it('passes the lease suite; there is no store that could refuse writes', async () => {
    const report = await runConformance(leaseSuite, async () => {
      const clock = fixedClock(1_000_000);
      const rows: LeaseRows = new Map();
      let holders = 0;
      const open = () => {
        holders += 1;
        return createMemoryLeases({ clock, rows, holder: `holder-${holders}` });
      };
      return {
        setup: {
          leases: open(),
          passTime: async (ms: number) => clock.advance(ms),
          another: async () => open(),
        },
      };
    });
    expect(report.results.filter((result) => result.status === 'failed')).toEqual([]);
  });
});
