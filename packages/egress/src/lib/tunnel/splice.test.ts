import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { splice } from './splice.ts';

const cleanups: (() => unknown)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Both ends of a connection. */
async function pair(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const arrived = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const near = await arrived;
  for (const socket of [near, far]) socket.on('error', () => undefined);
  cleanups.push(
    () => server.close(),
    () => far.destroy(),
    () => near.destroy(),
  );
  return { near, far };
}

interface Sent {
  /** What the client had sent before. */
  readonly first?: number;
  readonly up?: number;
  readonly down?: number;
}

/** Sends so many bytes each way through limits of ten; tells how it ended. */
async function through({ first = 0, up = 0, down = 0 }: Sent) {
  const [client, server] = await Promise.all([pair(), pair()]);
  const got = { server: 0, client: 0 };
  server.far.on('data', (chunk) => (got.server += chunk.length));
  client.far.on('data', (chunk) => (got.client += chunk.length));
  const end = new Promise((resolve) => {
    splice(client.near, server.near, {
      bytes: Buffer.alloc(first),
      maxBytesUp: 10,
      maxBytesDown: 10,
      onClose: ({ failure, ...counts }) => resolve({ ...counts, reason: failure?.reason }),
    });
  });
  client.far.end(Buffer.alloc(up));
  server.far.end(Buffer.alloc(down));
  return { end: await end, got };
}

describe('splice', () => {
  it('lets as much through as its limits say, in both directions', async () => {
    const { end, got } = await through({ first: 4, up: 6, down: 10 });
    expect(end).toEqual({ up: 10, down: 10, reason: undefined });
    expect(got).toEqual({ server: 10, client: 10 });
  });

  it.each([
    ['up', { up: 11 }, 'request-bytes'],
    ['up, counted with what was there before', { first: 5, up: 6 }, 'request-bytes'],
    ['up, before anything was spliced', { first: 11 }, 'request-bytes'],
    ['down', { down: 11 }, 'response-bytes'],
  ] as const)('cuts one byte more %s, and does not send it', async (_what, sent, reason) => {
    const { end, got } = await through(sent);
    expect(end).toMatchObject({ reason });
    expect(got.server).toBeLessThanOrEqual(10);
    expect(got.client).toBeLessThanOrEqual(10);
  });
});
