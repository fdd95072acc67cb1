import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { relayStore } from './relay-store.ts';

describe('relayStore', () => {
  let folder: string;
  let server: Server;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'genie-relay-'));
    server = createServer((socket) => socket.end('hello'));
  });
  afterEach(async () => {
    await new Promise((closed) => server.close(closed));
    rmSync(folder, { recursive: true });
  });

  it.each(['an address', 'the folder of its socket'])('leads to a server named by %s', async (kind) => {
    const isFolder = kind !== 'an address';
    const outside = join(folder, 'outside');
    const listen = isFolder ? { path: join(folder, '.s.PGSQL.5555') } : { host: '127.0.0.1', port: 0 };
    await new Promise<void>((listening) => server.listen(listen, listening));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 5555;
    const url = isFolder
      ? `postgres://me:secret@localhost:5555/genies?host=${encodeURIComponent(folder)}`
      : `postgres://me:secret@127.0.0.1:${port}/genies`;
    const inside = mkdtempSync(`${outside}-`);
    const relay = await relayStore(url, inside);
    expect(await text(connect(join(inside, `.s.PGSQL.${port}`)))).toBe('hello');
    const seen = new URL(relay.url);
    expect([seen.username, seen.password, seen.pathname, seen.port]).toEqual(['me', 'secret', '/genies', String(port)]);
    expect(seen.searchParams.getAll('host')).toEqual(['/run/genie']);
    await relay.close();
  });
});
