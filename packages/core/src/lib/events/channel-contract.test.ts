import { describe, expect, it } from 'vitest';
import { fixedClock } from '../testing/fixed-clock.ts';
import { connectChannels } from './channel.ts';
import { uiChannels } from './channel-contract.ts';

describe('uiChannels', () => {
  it('names every channel noun:verb and gives it a direction and an input', () => {
    for (const [name, { direction, input }] of Object.entries(uiChannels)) {
      expect(name).toMatch(/^[a-z]+:[a-z]+$/);
      expect(['invoke', 'send', 'push']).toContain(direction);
      expect(typeof input['~standard'].validate).toBe('function');
    }
  });

  it('limits chat to ten at once and two a second, and every channel somehow', () => {
    expect(uiChannels['chat:send'].rate).toEqual({ burst: 10, refillPerSecond: 2 });
  });

  it('refuses input that no channel knows, on every channel', async () => {
    const handlers = Object.fromEntries(Object.keys(uiChannels).map((name) => [name, () => 'handled']));
    const connection = connectChannels({ contract: uiChannels, handlers, clock: fixedClock() });
    for (const [name, { direction }] of Object.entries(uiChannels)) {
      const call = {
        invoke: () => connection.invoke(name, 7),
        send: () => connection.send(name, 7),
        push: () => connection.push(name as 'stream:chunk', 7 as never),
      }[direction];
      await expect(call(), name).rejects.toMatchObject({ code: 'GENIE_CHANNEL_INPUT' });
    }
  });

  it('pushes only events of the catalogue', async () => {
    const pushed: unknown[] = [];
    const onPush = (...rest: unknown[]): number => pushed.push(rest);
    const connection = connectChannels({ contract: uiChannels, handlers: {}, onPush });
    const event = { type: 'run.ended', at: 1, source: 'core.run', runId: 'run_1', status: 'completed' } as const;
    await connection.push('run:event', { genieId: 'genie_1', event });
    await expect(
      connection.push('run:event', { genieId: 'genie_1', event: { ...event, status: 'exploded' } as never }),
    ).rejects.toMatchObject({ code: 'GENIE_CHANNEL_INPUT', details: { path: 'event' } });
    expect(pushed).toEqual([['run:event', { genieId: 'genie_1', event }]]);
  });

  it('refuses ids that could be paths', async () => {
    const connection = connectChannels({ contract: uiChannels, handlers: { 'genie:show': () => 'shown' } });
    for (const genieId of ['../x', 'a/b', 'a\\b', '', 'a\0', 'x'.repeat(129)]) {
      await expect(connection.invoke('genie:show', { genieId })).rejects.toMatchObject({ code: 'GENIE_CHANNEL_INPUT' });
    }
    expect(await connection.invoke('genie:show', { genieId: 'genie_01' })).toBe('shown');
  });
});
