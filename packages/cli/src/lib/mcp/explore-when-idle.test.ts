import { fixedClock } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { exploreWhenIdle } from './explore-when-idle.ts';
import { mcpSettingsSchema } from './mcp-settings.ts';

const minuteMs = 60_000;
const servers = mcpSettingsSchema.parse({
  notes: { command: ['notes'], explore: true },
  more: { command: ['more'], explore: true },
  quiet: { command: ['quiet'] },
});

function start(explore: (name: string, signal: AbortSignal) => Promise<unknown> = async () => undefined) {
  const clock = fixedClock();
  const explored: string[] = [];
  const failures: string[] = [];
  const state = { isIdle: true, lastAt: 0 };
  const idle = exploreWhenIdle({
    clock,
    servers: () => servers,
    isIdle: () => state.isIdle,
    lastAt: async () => state.lastAt,
    explore: ({ name }, signal) => {
      explored.push(name);
      return explore(name, signal);
    },
    onFailure: (message) => failures.push(message),
  });
  /** Moves time on and lets what was due do its work. */
  const pass = async (minutes: number): Promise<void> => {
    clock.advance(minutes * minuteMs);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, explored, failures, state, idle, pass };
}

describe('exploreWhenIdle', () => {
  it('explores the servers that say so, once a day, also when one fails', async () => {
    const { explored, failures, idle, pass } = start(async (name) => {
      if (name === 'notes') throw new Error('it does not start');
    });
    expect(explored).toEqual([]);
    await pass(1);
    expect(explored).toEqual(['notes', 'more']);
    expect(failures).toEqual([expect.stringMatching(/notes was not explored: .*it does not start/)]);
    for (let looks = 0; looks < 12; looks += 1) await pass(10);
    expect(explored).toHaveLength(2);
    await pass(24 * 60);
    expect(explored).toEqual(['notes', 'more', 'notes', 'more']);
    await idle.close();
    await pass(48 * 60);
    expect(explored).toHaveLength(4);
  });

  it('waits while a run is going on, and while the last exploration is less than a day old', async () => {
    const { clock, explored, state, idle, pass } = start();
    state.isIdle = false;
    await pass(1);
    state.isIdle = true;
    state.lastAt = clock.now();
    await pass(10);
    expect(explored).toEqual([]);
    state.lastAt = 0;
    await pass(10);
    expect(explored).toEqual(['notes', 'more']);
    await idle.close();
  });

  it('gives way to a run, and ends with what it is part of', async () => {
    const { explored, failures, state, idle, pass } = start(
      (_name, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    await pass(1);
    expect(explored).toEqual(['notes']);
    state.isIdle = false;
    idle.interrupt();
    await pass(10);
    expect(explored).toEqual(['notes']);
    state.isIdle = true;
    await pass(10);
    expect(explored).toEqual(['notes', 'more']);
    await idle.close();
    expect(failures).toEqual([]);
  });
});
