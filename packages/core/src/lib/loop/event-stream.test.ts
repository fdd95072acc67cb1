import { describe, expect, it } from 'vitest';
import { scriptedModel } from '../testing/scripted-model.ts';
import { EventStream } from './event-stream.ts';
import { runLoop } from './run-loop.ts';

describe('EventStream', () => {
  it('gives each event once, in order, to a reader that came late, in time or asked ahead', async () => {
    const stream = new EventStream<number>();
    stream.push(1);
    const reader = stream[Symbol.asyncIterator]();
    // Asked for before there is anything: each request gets its own event.
    const ahead = [reader.next(), reader.next(), reader.next()];
    stream.push(2);
    stream.push(3);
    stream.push(4);
    stream.end();
    const values = [...(await Promise.all(ahead)), await reader.next(), await reader.next(), await reader.next()];
    expect(values.map((result) => (result.done ? 'end' : result.value))).toEqual([1, 2, 3, 4, 'end', 'end']);
  });

  it('ends every request that waits', async () => {
    const stream = new EventStream<number>();
    const reader = stream[Symbol.asyncIterator]();
    const waiting = [reader.next(), reader.next()];
    stream.end();
    expect((await Promise.all(waiting)).map((result) => result.done)).toEqual([true, true]);
  });

  it('has one reader and says so to a second one', () => {
    const handle = runLoop({ model: scriptedModel([{ text: 'x' }]), prompt: 'go' });
    handle[Symbol.asyncIterator]();
    expect(() => handle[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'GENIE_STREAM_READ' }));
  });

  it('holds the model back while the reader is far behind, and goes on when it catches up', async () => {
    let produced = 0;
    const inner = scriptedModel([{ text: 'x'.repeat(20_000), chunks: 20_000 }]);
    const model: typeof inner = {
      ...inner,
      async doStream(options) {
        const { stream } = await inner.doStream(options);
        const count = new TransformStream({
          transform(part, controller) {
            produced += 1;
            controller.enqueue(part);
          },
        });
        return { stream: stream.pipeThrough(count) };
      },
    };
    const handle = runLoop({ model, prompt: 'go' });
    const reader = handle[Symbol.asyncIterator]();
    await reader.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(produced).toBeLessThan(4_300);
    let read = 1;
    while (!(await reader.next()).done) read += 1;
    expect(read).toBe(20_003);
  });

  it('lets the run go on when its reader leaves', async () => {
    const handle = runLoop({ model: scriptedModel([{ text: 'x'.repeat(10_000), chunks: 10_000 }]), prompt: 'go' });
    for await (const event of handle) if (event.type === 'text.delta') break;
    expect((await handle.result).text).toHaveLength(10_000);
  });
});
