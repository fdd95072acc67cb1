import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readWakes } from './wake-log.ts';
import { wakeIdOf } from './wake-records.ts';

it('createScheduler: kill -9 at any moment neither doubles a wake nor loses one without a record', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'genie-schedule-'));
  const urlOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const code = `
    import { createScheduler } from ${urlOf('./scheduler.ts')};
    import { systemClock } from ${urlOf('../ports/clock.ts')};
    const scheduler = createScheduler({
      schedule: { cron: '* * * * * *', misfire: 'all' },
      clock: systemClock,
      dir: ${JSON.stringify(dir)},
      keepAlive: true,
      onWake: (dueAt, { id, again }) => {
        process.stdout.write(JSON.stringify([id, again]) + '\\n');
        // Slower than the disk, so that kills hit wakes in the middle, too.
        return new Promise((resolve) => setTimeout(resolve, 200));
      },
    });
    await scheduler.start();`;
  const seen: [string, boolean][] = [];
  try {
    for (const lifeMs of [1_300, 900, 1_550, 1_150]) {
      const child = spawn(process.execPath, ['--conditions=@genie/source', '--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      child.stdout.on('data', (part) => {
        // A life is counted from its first wake: a loaded machine may be slow to start.
        if (text === '') setTimeout(() => child.kill('SIGKILL'), lifeMs);
        text += String(part);
      });
      await once(child, 'close');
      for (const line of text.split('\n').slice(0, -1)) seen.push(JSON.parse(line) as [string, boolean]);
    }
    const records = await readWakes({ dir });
    const firstTime = seen.filter(([, again]) => !again).map(([id]) => id);
    expect(new Set(firstTime).size).toBe(firstTime.length);
    // Whatever was handed over had its record before.
    const recorded = new Set(records.flatMap((record) => ('dueAt' in record ? [record.id] : [])));
    expect(seen.filter(([id]) => !recorded.has(id))).toEqual([]);
    // Handed over again only while no end was recorded.
    const handovers = Map.groupBy(seen, ([id]) => id);
    const doubled = [...handovers.values()].filter((times) => times.length > 1);
    expect(doubled.length).toBeLessThanOrEqual(4);
    const dueTimes = records.flatMap((record) => ('dueAt' in record ? [record.dueAt] : []));
    for (let dueAt = Math.min(...dueTimes); dueAt <= Math.max(...dueTimes); dueAt += 1_000) {
      expect(recorded).toContain(wakeIdOf(dueAt));
    }
    expect(firstTime.length).toBeGreaterThanOrEqual(4);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}, 60_000);
