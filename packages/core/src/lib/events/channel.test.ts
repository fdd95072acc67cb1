import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { fixedClock } from '../testing/fixed-clock.ts';
import { connectChannels } from './channel.ts';

const contract = {
  'chat:send': {
    direction: 'invoke',
    input: z.object({ text: z.string().trim() }),
    rate: { burst: 10, refillPerSecond: 2 },
  },
  'run:list': { direction: 'invoke', input: z.object({ limit: z.int().default(50) }).optional() },
  'stream:request': { direction: 'send', input: z.object({ runId: z.string() }) },
  'stream:chunk': { direction: 'push', input: z.object({ text: z.string() }) },
  'memory:list': { direction: 'invoke', input: z.object({}) },
} as const;

function connect(clock = fixedClock()) {
  const seen: unknown[] = [];
  const pushed: unknown[] = [];
  const connection = connectChannels({
    contract,
    clock,
    onPush: (channel, payload) => pushed.push([channel, payload]),
    handlers: {
      'chat:send'(input) {
        expectTypeOf(input).toEqualTypeOf<{ text: string }>();
        seen.push(input);
        return { answer: input.text };
      },
      'run:list': async (input) => input ?? 'all',
      'stream:request': (input) => seen.push(input),
    },
  });
  return { connection, seen, pushed, clock };
}

describe('connectChannels', () => {
  it('hands the parsed input to the handler and gives back its answer', async () => {
    const { connection, seen } = connect();
    expect(await connection.invoke('chat:send', { text: ' hello ', extra: 1 })).toEqual({ answer: 'hello' });
    expect(await connection.invoke('run:list')).toBe('all');
    expect(await connection.send('stream:request', { runId: 'run_1' })).toBeUndefined();
    expect(seen).toEqual([{ text: 'hello' }, { runId: 'run_1' }]);
  });

  it.each([
    ['a name that is not on the list', 'invoke', 'genie:destroy'],
    ['a name of every object', 'invoke', 'constructor'],
    ['the prototype', 'invoke', '__proto__'],
    ['a push channel from outside', 'invoke', 'stream:chunk'],
    ['an invoke channel as send', 'send', 'chat:send'],
    ['a send channel as invoke', 'invoke', 'stream:request'],
    ['a channel that this runtime does not serve', 'invoke', 'memory:list'],
  ] as const)('refuses %s', async (_what, direction, channel) => {
    const { connection, seen } = connect();
    await expect(connection[direction](channel, { text: 'x', runId: 'x' })).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_UNKNOWN',
      details: { channel, direction },
    });
    expect(seen).toEqual([]);
  });

  it('limits chat to ten at once and two a second, per connection and channel', async () => {
    const { connection, seen, clock } = connect();
    const results = await Promise.allSettled(
      Array.from({ length: 14 }, (_, index) => connection.invoke('chat:send', { text: String(index) })),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(10);
    await expect(connection.invoke('chat:send', { text: 'x' })).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_RATE',
      details: { channel: 'chat:send', retryAfterMs: 500 },
    });
    expect(seen).toHaveLength(10);
    await connection.invoke('run:list', {});
    await connect(clock).connection.invoke('chat:send', { text: 'of another connection' });
    clock.advance(1_000);
    await connection.invoke('chat:send', { text: 'later' });
    await connection.invoke('chat:send', { text: 'later' });
    await expect(connection.invoke('chat:send', { text: 'x' })).rejects.toMatchObject({ code: 'GENIE_CHANNEL_RATE' });
  });

  it('checks limits and schema before the handler sees anything, and refused messages count for the rate', async () => {
    const { connection, seen } = connect();
    await expect(connection.invoke('chat:send', { text: 'x'.repeat(100_001) })).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_INPUT',
      message: 'Channel "chat:send": text has 100001 characters, 100000 are allowed.',
    });
    await expect(connection.invoke('chat:send', { text: 7 })).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_INPUT',
      details: { path: 'text' },
    });
    for (let index = 0; index < 8; index += 1) await connection.invoke('chat:send').catch(() => undefined);
    await expect(connection.invoke('chat:send', { text: 'fine' })).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_RATE',
    });
    expect(seen).toEqual([]);
  });

  it('pushes in order what the contract allows', async () => {
    const { connection, pushed } = connect();
    await Promise.all(['a', 'b', 'c'].map((text) => connection.push('stream:chunk', { text })));
    expect(pushed).toEqual(['a', 'b', 'c'].map((text) => ['stream:chunk', { text }]));
    await expect(connection.push('stream:chunk', { text: 1 } as never)).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_INPUT',
    });
    await expect(connection.push('chat:send' as never, { text: 'x' } as never)).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_UNKNOWN',
    });
    expect(pushed).toHaveLength(3);
  });

  it('closing aborts handlers under way and refuses what comes later', async () => {
    let signal: AbortSignal | undefined;
    const connection = connectChannels({
      contract,
      handlers: {
        'run:list': (_input, context) => {
          signal = context.signal;
        },
      },
    });
    await connection.invoke('run:list');
    connection.close();
    connection.close();
    expect(signal?.aborted).toBe(true);
    await expect(connection.invoke('run:list')).rejects.toMatchObject({ code: 'GENIE_CHANNEL_CLOSED' });
    await expect(connection.push('stream:chunk', { text: 'x' })).rejects.toMatchObject({
      code: 'GENIE_CHANNEL_CLOSED',
    });
  });

  it('passes on what a handler throws', async () => {
    const connection = connectChannels({
      contract,
      handlers: {
        'run:list': () => {
          throw new Error('no such genie');
        },
      },
    });
    await expect(connection.invoke('run:list')).rejects.toThrow('no such genie');
  });
});
