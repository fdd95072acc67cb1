import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashFile } from '../layers/check-layer.ts';
import { findLlama } from '../testing/find-llama.ts';
import { say, startTinyDaemon, type TinyModels, writeTinyModels } from '../testing/tiny-daemon.ts';

let tiny: TinyModels;
beforeAll(async () => {
  tiny = await writeTinyModels(process.env);
});
afterAll(() => tiny.remove());

describe.skipIf(findLlama(process.env) === undefined)('a worker that dies', () => {
  it('loses no queued request when a worker is killed, and repeats nothing that was heard', {
    timeout: 120_000,
  }, async () => {
    const models = { tiny: { path: tiny.path, hash: await hashFile(tiny.path) } };
    const { daemon, events } = startTinyDaemon(tiny, { models });
    await daemon.ready();
    const heard = new Map<number, string>();
    const listen = (index: number, slot: number) => ({
      layers: [tiny.layer(index % 4)],
      onText: (piece: string) => heard.set(slot, (heard.get(slot) ?? '') + piece),
    });
    for (let index = 0; index < 6; index += 1)
      await daemon.request(say(`question ${index}`, 120), listen(index, index));
    for (let round = 0; round < 2; round += 1) {
      const work = Array.from({ length: 6 }, (_, index) =>
        daemon.request(say(`question ${index}`, 120), listen(index, 10 + round * 10 + index)).then(
          () => ({ index, code: 'ok' }),
          (error: { code: string }) => ({ index, code: error.code }),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 20 + round * 80));
      const pid = daemon.metrics().workers[0]?.pid;
      if (pid) process.kill(pid, 'SIGKILL');
      const results = await Promise.all(work);
      // Only the one that was being answered may fail, and clearly.
      expect(results.filter(({ code }) => code !== 'ok').length).toBeLessThanOrEqual(1);
      for (const { index, code } of results) {
        if (code === 'ok') expect(heard.get(10 + round * 10 + index)).toBe(heard.get(index));
        else expect(code).toBe('GENIE_WORKER_CRASHED');
      }
    }
    expect(events.filter((event) => event.type === 'worker.crashed')).toHaveLength(2);
    expect(daemon.metrics().workers[0]).toMatchObject({ restarts: 2, status: 'ready' });
    await daemon.close();
  });

  it('aborts queued and running requests, and has a spare for a worker that does not answer', {
    timeout: 60_000,
  }, async () => {
    const { daemon, events } = startTinyDaemon(tiny, {
      abortGraceMs: 300,
      standby: true,
      healthIntervalMs: 50,
      healthTimeoutMs: 800,
    });
    await daemon.ready();
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = daemon.request(say('a', 900), { signal: controller.signal });
    const queued = daemon.request(say('b', 900), { signal: controller.signal });
    const other = daemon.request(say('c'));
    setTimeout(() => controller.abort(reason), 60);
    await expect(running).rejects.toBe(reason);
    await expect(queued).rejects.toBe(reason);
    expect((await other).outputTokens).toBe(8);
    expect(events.filter((event) => event.type === 'worker.crashed')).toEqual([]);
    const pid = daemon.metrics().workers[0]?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    const late = daemon.request(say('d'));
    expect((await late).outputTokens).toBe(8);
    expect(events.find((event) => event.type === 'worker.crashed')).toMatchObject({
      reason: expect.stringContaining('no sign of life'),
    });
    await daemon.close();
  });
});
