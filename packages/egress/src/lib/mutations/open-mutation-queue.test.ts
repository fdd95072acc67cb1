import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedClock } from '@genie/core/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MutationQueue, type MutationQueueOptions, openMutationQueue } from './open-mutation-queue.ts';

let dir: string;
let queues: MutationQueue[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'genie-queue-'));
});

afterEach(async () => {
  await Promise.all(queues.map((queue) => queue.close().catch(() => undefined)));
  queues = [];
  rmSync(dir, { recursive: true, force: true });
});

async function open(options: Partial<MutationQueueOptions> = {}): Promise<{ queue: MutationQueue; sent: string[] }> {
  const sent: string[] = [];
  const queue = await openMutationQueue({
    dir,
    send: async ({ key }) => {
      sent.push(key);
      return 'done';
    },
    ...options,
  });
  queues.push(queue);
  return { queue, sent };
}

async function closed(file: FileHandle): Promise<FileHandle> {
  await file.close();
  return file;
}

const add = (queue: MutationQueue, key: string): Promise<unknown> =>
  queue.enqueue({ key, kind: 'note', payload: { text: key } });

describe('openMutationQueue', () => {
  it('sends in the order of arrival, each once', async () => {
    const { queue, sent } = await open();
    await Promise.all(['a', 'b', 'c'].map((key) => add(queue, key)));
    expect(await queue.flush()).toEqual({ sent: 3, left: 0, conflicts: [] });
    expect(await queue.flush()).toMatchObject({ sent: 0 });
    expect(sent).toEqual(['a', 'b', 'c']);
  });

  it('keeps the file readable when a full disk takes half a record', async () => {
    const { queue } = await open();
    await add(queue, 'a');
    const proto = Object.getPrototypeOf(await openFile(join(dir, 'queue.jsonl'), 'r').then(closed));
    const full = vi.spyOn(proto, 'appendFile').mockImplementationOnce(async function (this: FileHandle, text) {
      await this.write(String(text).slice(0, 20));
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    });
    await expect(add(queue, 'b')).rejects.toMatchObject({ code: 'GENIE_QUEUE_STORE' });
    full.mockRestore();
    await add(queue, 'c');
    await queue.close();
    expect((await open()).queue.list().map(({ key }) => key)).toEqual(['a', 'c']);
  });

  it('takes a key once, also after it was sent and after it was opened again', async () => {
    const { queue } = await open();
    expect(await add(queue, 'a')).toEqual({ isDuplicate: false });
    expect(await add(queue, 'a')).toEqual({ isDuplicate: true });
    await queue.flush();
    await queue.close();
    const { queue: again, sent } = await open();
    expect(await add(again, 'a')).toEqual({ isDuplicate: true });
    await again.flush();
    expect(sent).toEqual([]);
  });

  it('keeps everything over a restart, and drops a line that a crash cut off', async () => {
    const { queue } = await open();
    await add(queue, 'a');
    await add(queue, 'b');
    await queue.close();
    appendFileSync(join(dir, 'queue.jsonl'), '{"op":"add","mutation":{"key":"half');
    const { queue: again, sent } = await open();
    await add(again, 'c');
    await again.flush();
    expect(sent).toEqual(['a', 'b', 'c']);
  });

  it('stops at a failure, keeps the order and waits longer each time', async () => {
    const clock = fixedClock();
    let isDown = true;
    const seen: string[] = [];
    const { queue } = await open({
      clock,
      send: async ({ key }) => {
        if (isDown && key === 'b') throw new Error('no network');
        seen.push(key);
        return 'done';
      },
    });
    for (const key of ['a', 'b', 'c']) await add(queue, key);
    expect(await queue.flush()).toMatchObject({ sent: 1, left: 2, failure: 'no network', retryInMs: 1_000 });
    expect(await queue.flush()).toMatchObject({ failure: 'waiting after a failure' });
    clock.advance(1_000);
    expect(await queue.flush()).toMatchObject({ retryInMs: 2_000 });
    clock.advance(2_000);
    isDown = false;
    expect(await queue.flush()).toMatchObject({ sent: 2, left: 0 });
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('reports what the receiver does not want, and goes on', async () => {
    const { queue } = await open({
      send: async ({ key }) => (key === 'b' ? { conflict: 'changed by somebody else' } : 'done'),
    });
    for (const key of ['a', 'b', 'c']) await add(queue, key);
    const report = await queue.flush();
    expect(report).toMatchObject({ sent: 2, left: 0, conflicts: [{ reason: 'changed by somebody else' }] });
    await queue.close();
    const { queue: again } = await open();
    expect(again.conflicts().map((conflict) => conflict.mutation.key)).toEqual(['b']);
  });

  it('is bounded in number and size', async () => {
    const { queue } = await open({ maxItems: 2, maxItemBytes: 200 });
    await expect(queue.enqueue({ key: 'big', kind: 'note', payload: 'x'.repeat(300) })).rejects.toMatchObject({
      code: 'GENIE_QUEUE_FULL',
    });
    await add(queue, 'a');
    await add(queue, 'b');
    await expect(add(queue, 'c')).rejects.toThrow('2 mutations wait already');
    expect(queue.list().map((mutation) => mutation.key)).toEqual(['a', 'b']);
  });

  it('does not grow without end', async () => {
    const { queue } = await open();
    for (let round = 0; round < 15; round += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => add(queue, `${round}-${index}`)));
      await queue.flush();
    }
    expect(statSync(join(dir, 'queue.jsonl')).size).toBeLessThan(300_000);
  });

  it('names the folder that it cannot use', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(openMutationQueue({ dir: join(dir, 'file'), send: async () => 'done' })).rejects.toMatchObject({
      code: 'GENIE_QUEUE_STORE',
    });
  });
});
