import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { defineTool, type Tool } from '@genie/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callTool } from '../testing/tool-context.ts';
import { createDevice, type DeviceOptions } from './device.ts';
import { createDeviceClient } from './device-client.ts';

const declared = (
  run: (
    input: { n: number },
    context: { signal: AbortSignal; progress: (message: string, fraction?: number) => void },
  ) => unknown,
  output?: z.ZodType,
) =>
  defineTool({
    name: 'double',
    description: 'x',
    effect: 'once',
    input: z.object({ n: z.number() }),
    ...(output ? { output } : {}),
    run: run as never,
  }) as Tool;

/** Both sides, and a real channel between them that can be cut. */
function pair(tool: Tool, options: Partial<DeviceOptions> = {}) {
  const { run: _run, timeoutMs: _timeout, ...declaration } = tool;
  const device = createDevice({
    name: 'test',
    tools: [{ ...declaration, inputJsonSchema: tool.inputJsonSchema }],
    timeoutMs: 500,
    ...options,
  });
  let post: ((message: unknown) => void) | undefined;
  const client = createDeviceClient({ tools: [tool], send: (message) => post?.(message) });
  const connect = () => {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (message) => device.receive(message));
    port2.on('message', (message) => client.receive(message));
    post = (message) => port2.postMessage(message);
    const detach = device.attach((message) => port1.postMessage(message));
    return () => {
      detach();
      post = undefined;
      port1.close();
    };
  };
  return { device, connect, remote: device.tools[0]! };
}

describe('createDevice', () => {
  it('runs a tool on the device, with progress', async () => {
    const told: unknown[] = [];
    const { connect, remote } = pair(
      declared(({ n }, { progress }) => {
        progress('working', 0.5);
        return { twice: n * 2 };
      }),
    );
    const disconnect = connect();
    expect(await callTool(remote, { n: 4 }, { progress: (...words) => told.push(words) })).toEqual({ twice: 8 });
    expect(told).toEqual([['working', 0.5]]);
    disconnect();
  });

  it('keeps a call over a reconnect and makes it once', async () => {
    let times = 0;
    const { device, connect, remote } = pair(
      declared(async ({ n }) => {
        times += 1;
        await sleep(100);
        return n * 2;
      }),
      { timeoutMs: 5000 },
    );
    let disconnect = connect();
    const result = callTool(remote, { n: 4 });
    await sleep(50);
    disconnect();
    expect(device.isConnected).toBe(false);
    await sleep(100);
    expect(device.inFlight).toBe(1);
    disconnect = connect();
    expect(await result).toBe(8);
    expect(times).toBe(1);
    expect(device.inFlight).toBe(0);
    disconnect();
  });

  it('waits for a device that connects later, and fails when none does', async () => {
    const { connect, remote } = pair(
      declared(({ n }) => n),
      { timeoutMs: 300 },
    );
    const result = callTool(remote, { n: 1 });
    await sleep(50);
    const disconnect = connect();
    expect(await result).toBe(1);
    disconnect();
    await expect(callTool(remote, { n: 1 }, { callId: 'other' })).rejects.toMatchObject({
      code: 'GENIE_DEVICE_TIMEOUT',
      message: expect.stringContaining('not connected'),
    });
  });

  it('validates what a device sends', async () => {
    const { connect, remote, device } = pair(declared(() => ({ wrong: true }), z.object({ twice: z.number() })));
    const disconnect = connect();
    await expect(callTool(remote, { n: 1 })).rejects.toMatchObject({ code: 'GENIE_DEVICE_RESULT' });
    for (const noise of [null, 7, {}, { type: 'tool.result' }, { type: 'tool.result', requestId: 'unknown', value: 1 }])
      expect(device.receive(noise)).toBe(false);
    disconnect();
  });

  it('reports an error of the tool, and tells it to stop on an abort', async () => {
    let stopped = false;
    const { connect, remote } = pair(
      declared(async ({ n }, { signal }) => {
        if (n === 0) throw new Error('broken');
        await sleep(5000, undefined, { signal }).catch(() => {
          stopped = true;
        });
      }),
    );
    const disconnect = connect();
    await expect(callTool(remote, { n: 0 })).rejects.toMatchObject({
      code: 'GENIE_DEVICE_FAILED',
      message: expect.stringContaining('broken'),
    });
    await expect(callTool(remote, { n: 1 }, { callId: 'b', signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await sleep(50);
    expect(stopped).toBe(true);
    disconnect();
  });

  it('fails calls in flight when it is closed', async () => {
    const { device, remote } = pair(
      declared(({ n }) => n),
      { timeoutMs: 5000 },
    );
    const result = callTool(remote, { n: 1 });
    const failed = expect(result).rejects.toMatchObject({ code: 'GENIE_DEVICE_CLOSED' });
    await sleep(10);
    device.close();
    await failed;
  });
});
