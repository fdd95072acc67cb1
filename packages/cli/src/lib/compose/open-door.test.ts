import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryApprovals } from '@genie/core';
import { createIds, systemClock } from '@genie/core/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FeedServer, openFeedServer } from '../testing/feed-server.ts';
import { openDoor } from './open-door.ts';

describe('openDoor', () => {
  let home: string;
  let feed: FeedServer;
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'genie-door-'));
    feed = await openFeedServer(['Parser released']);
  });
  afterEach(async () => {
    await feed.close();
    rmSync(home, { recursive: true });
  });

  it('goes on through the proxy of the network that the settings name, with its password from the environment', async () => {
    const asked: string[] = [];
    const network = createServer().on('connect', ({ url, headers }, socket) => {
      asked.push(`${url} ${headers['proxy-authorization']}`);
      const target = connect(feed.port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      socket.pipe(target).pipe(socket);
    });
    await new Promise<void>((listening) => network.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(network.address() as AddressInfo).port}`;
    const door = openDoor({
      home,
      file: { id: 'g' },
      settings: {
        fallbackModels: [],
        egress: {
          allow: ['news.example.test:80'],
          allowPrivate: [],
          upstreamProxy: { url, authVariable: 'PROXY_AUTH', resolve: 'there' },
        },
      },
      environment: { PROXY_AUTH: 'me:secret' },
      models: {},
      approvals: createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) }),
      events: () => undefined,
    });
    const answer = await door.quiet.fetch('http://news.example.test/feed.xml', {}, { genieId: 'g', tool: 'test' });
    expect(await answer.text()).toContain('Parser released');
    expect(asked).toEqual([`news.example.test:80 Basic ${Buffer.from('me:secret').toString('base64')}`]);
    await door.close();
    network.close();
  });
});
