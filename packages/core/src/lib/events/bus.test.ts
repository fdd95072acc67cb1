import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { ErrorRecord } from '../genie-error.ts';
import { createEventBus } from './bus.ts';
import type { EventOf, EventSink, GenieEvent } from './genie-event.ts';
import { createRingBuffer } from './ring-buffer.ts';

const delta = (text: string): EventOf<'text.delta'> => ({
  type: 'text.delta',
  at: 1,
  source: 'core.loop',
  runId: 'run_1',
  step: 1,
  text,
});
const ended: GenieEvent = { type: 'run.ended', at: 2, source: 'core.run', runId: 'run_1', status: 'completed' };

describe('createEventBus', () => {
  it('hands an event to the listeners of its type, then to those of all events', () => {
    const bus = createEventBus();
    const calls: string[] = [];
    bus.onAny((event) => calls.push(`any ${event.type}`));
    bus.on('text.delta', (event) => {
      expectTypeOf(event.text).toEqualTypeOf<string>();
      calls.push(`delta ${event.text}`);
    });
    bus.on('run.ended', () => calls.push('ended'));
    bus.emit(delta('a'));
    bus.emit(ended);
    expect(calls).toEqual(['delta a', 'any text.delta', 'ended', 'any run.ended']);
  });

  it('once calls once, also when the listener emits again; off and the returned function take off', () => {
    const bus = createEventBus();
    const calls: string[] = [];
    bus.once('text.delta', (event) => {
      calls.push(`once ${event.text}`);
      if (event.text === 'a') bus.emit(delta('again'));
    });
    const listener = (event: EventOf<'text.delta'>): void => {
      calls.push(`on ${event.text}`);
    };
    bus.on('text.delta', listener);
    bus.emit(delta('a'));
    bus.off('text.delta', listener);
    const remove = bus.onAny(() => calls.push('any'));
    remove();
    remove();
    bus.emit(delta('b'));
    expect(calls).toEqual(['once a', 'on again', 'on a']);
    expect(bus.listenerCount('text.delta')).toBe(0);
  });

  it('adding a listener twice calls it once, and an old remove function does not take the new one off', () => {
    const bus = createEventBus();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const removeFirst = bus.on('text.delta', listener);
    bus.on('text.delta', listener);
    removeFirst();
    bus.emit(delta('a'));
    expect(calls).toBe(1);
  });

  it('a listener that throws or rejects is reported and harms nobody', async () => {
    const warnings: ErrorRecord[] = [];
    const bus = createEventBus({
      onWarning(warning) {
        warnings.push(warning);
        throw new Error('the reporter fails too');
      },
    });
    const seen: string[] = [];
    bus.on('text.delta', () => {
      throw new Error('broken');
    });
    const rejects = (): unknown => Promise.reject(new Error('broken later'));
    bus.on('text.delta', rejects as () => void);
    bus.on('text.delta', (event) => seen.push(event.text));
    bus.emit(delta('a'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['a']);
    expect(warnings.map((warning) => [warning.code, warning.message])).toEqual([
      ['GENIE_EVENT_LISTENER', 'A listener of "text.delta" threw: broken'],
      ['GENIE_EVENT_LISTENER', 'A listener of "text.delta" threw: broken later'],
    ]);
  });

  it('warns of a leak once per event, from the sixth listener on', () => {
    const warnings: ErrorRecord[] = [];
    const bus = createEventBus({ onWarning: (warning) => warnings.push(warning) });
    for (let count = 0; count < 5; count += 1) bus.on('run.ended', () => undefined);
    expect(warnings).toEqual([]);
    for (let count = 0; count < 5; count += 1) bus.on('run.ended', () => undefined);
    for (let count = 0; count < 6; count += 1) bus.onAny(() => undefined);
    expect(warnings.map((warning) => [warning.code, warning.details])).toEqual([
      ['GENIE_EVENT_LEAK', { type: 'run.ended', count: 6 }],
      ['GENIE_EVENT_LEAK', { type: '*', count: 6 }],
    ]);
  });

  it('keeps the last 500 events, or as many as asked', () => {
    const bus = createEventBus();
    for (let index = 0; index < 700; index += 1) bus.emit(delta(String(index)));
    const texts = bus.history().map((event) => (event as EventOf<'text.delta'>).text);
    expect([texts.length, texts[0], texts.at(-1)]).toEqual([500, '200', '699']);
    const none = createEventBus({ history: 0 });
    none.emit(ended);
    expect(none.history()).toEqual([]);
    expect(() => createEventBus({ history: -1 })).toThrow(/history is -1; pass a whole number/);
  });

  it('publishes to diagnostics_channel only while somebody subscribes', () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    const onMessage = (message: unknown): void => {
      seen.push(message);
    };
    bus.emit(ended);
    subscribe('genie:run.ended', onMessage);
    bus.emit(ended);
    unsubscribe('genie:run.ended', onMessage);
    bus.emit(ended);
    expect(seen).toEqual([ended]);
  });

  it('in development reports events that the catalogue does not know, also those emitted before it was loaded', async () => {
    const warnings: ErrorRecord[] = [];
    const bus = createEventBus({ validate: true, onWarning: (warning) => warnings.push(warning) });
    const broken = { ...delta('a'), text: 7 } as unknown as GenieEvent;
    bus.emit(broken);
    await bus.ready();
    bus.emit(delta('fine'));
    bus.emit({ ...ended, type: 'run.exploded' } as unknown as GenieEvent);
    bus.emit({ ...ended, type: 'constructor' } as unknown as GenieEvent);
    expect(warnings.map((warning) => [warning.code, warning.message.split(': ').slice(1).join(': ')])).toEqual([
      ['GENIE_EVENT_INVALID', 'text: Invalid input: expected string, received number'],
      ['GENIE_EVENT_INVALID', 'the catalogue has no event "run.exploded"'],
      ['GENIE_EVENT_INVALID', 'the catalogue has no event "constructor"'],
    ]);
    expect(bus.history()).toHaveLength(4);
  });

  it('its emit can be handed on as a sink', () => {
    const bus = createEventBus();
    const sink: EventSink = bus.emit;
    sink(ended);
    expect(bus.history()).toEqual([ended]);
  });
});

describe('createRingBuffer', () => {
  it('holds the last values in order, for any capacity and length', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.array(fc.integer(), { maxLength: 80 }), (capacity, values) => {
        const buffer = createRingBuffer<number>(capacity);
        for (const value of values) buffer.add(value);
        expect(buffer.values()).toEqual(capacity === 0 ? [] : values.slice(-capacity));
        expect(buffer.size).toBe(Math.min(capacity, values.length));
      }),
    );
  });
});
