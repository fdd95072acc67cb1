import { describe, expect, it } from 'vitest';
import { createEventLog } from './event-log.ts';

const message = (text: string) => ({ jsonrpc: '2.0' as const, method: 'notifications/message', params: { text } });

describe('createEventLog', () => {
  it('repeats what came after an event, of the same stream', async () => {
    const log = createEventLog();
    const first = await log.storeEvent('a', message('one'));
    await log.storeEvent('b', message('other'));
    const last = await log.storeEvent('a', message('two'));
    const sent: unknown[] = [];
    expect(await log.replayEventsAfter(first, { send: async (id, event) => void sent.push([id, event]) })).toBe('a');
    expect(sent).toEqual([[last, message('two')]]);
  });

  it('is bounded in number and in characters', async () => {
    const log = createEventLog({ maxEvents: 3, maxCharacters: 1_000 });
    const known = (ids: readonly string[]) => Promise.all(ids.map((id) => log.getStreamIdForEventId?.(id)));
    const small = [];
    for (let count = 0; count < 4; count += 1) small.push(await log.storeEvent('a', message('x')));
    expect(await known(small)).toEqual([undefined, 'a', 'a', 'a']);
    const large = await log.storeEvent('a', message('x'.repeat(900)));
    expect(await known([...small, large])).toEqual([undefined, undefined, undefined, undefined, 'a']);
    const tooLarge = await log.storeEvent('a', message('x'.repeat(2_000)));
    expect(await known([large, tooLarge])).toEqual([undefined, undefined]);
  });
});
