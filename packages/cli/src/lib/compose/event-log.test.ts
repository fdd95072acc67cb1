import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GenieEvent } from '@genie/core/ports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { followEvents, readEvents } from '../watching/read-events.ts';
import { eventLogPath, olderEventLogPath, openEventLog } from './event-log.ts';

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'genie-events-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

const event = (at: number, members: object = {}): GenieEvent =>
  ({ type: 'phase.started', at, source: 'test', runId: 'run_1', phase: 'wake', ...members }) as GenieEvent;

describe('openEventLog', () => {
  it('keeps events in order, without deltas, with long texts cut', () => {
    const home = newHome();
    const log = openEventLog(home);
    log.write(event(1));
    log.write({ type: 'text.delta', at: 2, source: 'test', runId: 'run_1', step: 1, text: 'x' });
    log.write(event(3, { note: 'y'.repeat(10_000) }));
    log.close();
    const { events } = readEvents(home);
    expect(events.map(({ at }) => at)).toEqual([1, 3]);
    expect(readFileSync(eventLogPath(home), 'utf8').length).toBeLessThan(3_000);
  });

  it('stays bounded, and is read over the seam of its two files', () => {
    const home = newHome();
    const filler = 'z'.repeat(1_900);
    for (let batch = 0; batch < 30; batch += 1) {
      const log = openEventLog(home);
      for (let index = 0; index < 300; index += 1) log.write(event(batch * 300 + index, { filler }));
      log.close();
    }
    expect(statSync(olderEventLogPath(home)).size).toBeLessThan(6 * 1024 * 1024);
    const times = readEvents(home).events.map(({ at }) => at);
    expect(times.at(-1)).toBe(8_999);
    expect(times).toEqual(times.map((_, index) => (times[0] as number) + index));
  });

  it('does not fail the genie when it cannot be written', () => {
    const log = openEventLog(join(newHome(), 'missing'));
    log.write(event(1));
    expect(() => log.close()).not.toThrow();
  });

  it('is followed from where reading stopped, over a change of files', async () => {
    const home = newHome();
    const first = openEventLog(home);
    first.write(event(1));
    first.close();
    const controller = new AbortController();
    const { position } = readEvents(home);
    const seen: number[] = [];
    const following = (async () => {
      for await (const { at } of followEvents(home, { position, signal: controller.signal })) {
        seen.push(at);
        if (at === 3) controller.abort();
      }
    })();
    const second = openEventLog(home);
    second.write(event(2));
    second.write(event(3));
    second.close();
    await following;
    expect(seen).toEqual([2, 3]);
  });
});
