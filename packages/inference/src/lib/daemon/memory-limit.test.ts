import { describe, expect, it } from 'vitest';
import type { EngineStats } from '../worker/engine-request.ts';
import type { FromWorker, ToWorker, WorkerTransport } from '../worker/protocol.ts';
import { createDaemon } from './create-daemon.ts';
import type { DaemonEvent } from './daemon.ts';

const mebibyte = 1024 ** 2;

/** A worker that answers at once and takes 10 MiB more with each request. */
function growing(startsWith: number, kills: string[]): WorkerTransport {
  let rssBytes = startsWith;
  let hear: (message: FromWorker) => void = () => {};
  let exit: (reason: string) => void = () => {};
  const stats = (): EngineStats => ({
    layers: 0,
    layerBytes: 0,
    layerHits: 0,
    layerMisses: 0,
    layerEvictions: 0,
    prefixHits: 0,
    prefixRestores: 0,
    prefixMisses: 0,
    stateBytes: 0,
    rssBytes,
    warmKeys: [],
  });
  const answer = (message: ToWorker) => {
    if (message.type === 'load') hear({ type: 'ready', stats: stats() });
    if (message.type === 'close') exit('closed');
    if (message.type !== 'start') return;
    rssBytes += 10 * mebibyte;
    const result = { promptTokens: 1, cachedTokens: 0, outputTokens: 1, firstTokenMs: 1, tookMs: 1 };
    hear({ type: 'token', id: message.id, text: 'x' });
    hear({ type: 'end', id: message.id, result: { ...result, finish: 'stop' }, stats: stats() });
  };
  return {
    pid: undefined,
    send: (message) => setImmediate(answer, message),
    onMessage: (listener) => {
      hear = listener;
    },
    onExit: (listener) => {
      exit = listener;
    },
    keepAlive: () => undefined,
    kill: () => {
      kills.push(`${Math.round(rssBytes / mebibyte)} MiB`);
      exit('SIGKILL');
    },
  };
}

function start(startsWith: number) {
  const kills: string[] = [];
  const events: DaemonEvent[] = [];
  const daemon = createDaemon({
    models: { tiny: 'tiny.gguf' },
    transport: () => growing(startsWith, kills),
    maxWorkerMemoryBytes: 125 * mebibyte,
    onEvent: (event) => events.push(event),
  });
  const ask = () => daemon.request({ messages: [{ role: 'user', text: 'x' }], maxTokens: 1 });
  return { daemon, kills, events, ask };
}

describe('maxWorkerMemoryBytes', () => {
  it('replaces a worker that has grown too large while it is idle, however often, and loses nothing', async () => {
    const { daemon, kills, events, ask } = start(100 * mebibyte);
    const results = await Promise.all(Array.from({ length: 24 }, ask));
    expect(results.every(({ outputTokens }) => outputTokens === 1)).toBe(true);
    expect(kills).toEqual(Array.from({ length: kills.length }, () => '130 MiB'));
    expect(kills.length).toBeGreaterThanOrEqual(7);
    expect(events.find((event) => event.type === 'worker.crashed')).toMatchObject({ final: false });
    await daemon.close();
  });

  it('gives up a worker that is too large with nothing but its model', async () => {
    const { daemon, events, ask } = start(126 * mebibyte);
    await expect(ask()).rejects.toMatchObject({
      code: 'GENIE_WORKER_FAILED',
      message: expect.stringContaining('126 MiB with nothing but its model, it may take 125'),
    });
    expect(events.find((event) => event.type === 'worker.crashed')).toMatchObject({ final: true });
    await daemon.close();
  });
});
