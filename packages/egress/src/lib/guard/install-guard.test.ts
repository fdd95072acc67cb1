import { createSocket } from 'node:dgram';
import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEgress, type Egress } from '../create-egress.ts';
import { type OriginServer, startOrigin } from '../testing/origin-server.ts';
import { installGuard, type RawUse } from './install-guard.ts';

let origin: OriginServer;
let egress: Egress;
let remove = (): void => undefined;
let uses: RawUse[] = [];

beforeAll(async () => {
  origin = await startOrigin();
  egress = createEgress({
    allow: ['allowed.test'],
    ports: [origin.port],
    allowPrivate: [`127.0.0.1:${origin.port}`],
    lookup: async () => ['127.0.0.1'],
  });
});

afterEach(() => {
  remove();
  uses = [];
});

afterAll(async () => {
  await egress.close();
  await origin.close();
});

function guard(mode: 'report' | 'strict'): void {
  remove = installGuard({ mode, onUse: (use) => uses.push(use) });
}

const rawWays: readonly (readonly [string, () => Promise<unknown>])[] = [
  [
    'net.connect',
    () =>
      new Promise((resolve, reject) => connect(origin.port, '127.0.0.1', () => resolve('open')).on('error', reject)),
  ],
  [
    'http.get',
    () => new Promise((resolve, reject) => get(`http://127.0.0.1:${origin.port}/`, resolve).on('error', reject)),
  ],
  ['the built-in fetch', () => fetch(`http://127.0.0.1:${origin.port}/`)],
];

describe('installGuard', () => {
  it.each(rawWays)('reports %s and lets it happen', async (_way, open) => {
    guard('report');
    await open();
    expect(uses).toEqual([expect.objectContaining({ protocol: 'tcp', host: '127.0.0.1', port: origin.port })]);
  });

  it.each(rawWays)('refuses %s when it is strict', async (_way, open) => {
    guard('strict');
    const before = origin.connections();
    await expect((async () => open())()).rejects.toThrow();
    expect(uses).toHaveLength(1);
    expect(origin.connections()).toBe(before);
  });

  it('refuses datagrams', () => {
    guard('strict');
    const socket = createSocket('udp4');
    expect(() => socket.send('secret', 53, '127.0.0.1')).toThrow(/udp to 127\.0\.0\.1:53 goes past/);
    expect(() => socket.send(Buffer.from('secret'), 0, 6, 53, '127.0.0.1')).toThrow(/udp to 127\.0\.0\.1:53/);
    expect(() => socket.connect(53, '127.0.0.1')).toThrow(/udp to 127\.0\.0\.1:53/);
    socket.close();
  });

  it('lets the filter itself through', async () => {
    guard('strict');
    expect((await egress.fetch(`http://allowed.test:${origin.port}/`)).status).toBe(200);
    expect(uses).toEqual([]);
  });

  it('lets unix sockets through', async () => {
    const path = join(tmpdir(), `genie-guard-${process.pid}.sock`);
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    guard('strict');
    await new Promise<void>((resolve, reject) => connect(path, () => resolve()).on('error', reject));
    expect(uses).toEqual([]);
    server.close();
  });

  it('leaves nothing behind', async () => {
    guard('strict');
    remove();
    expect((await fetch(`http://127.0.0.1:${origin.port}/`)).status).toBe(200);
  });
});
