import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryApprovals } from '@genie/core';
import { createIds, type GenieEvent, systemClock } from '@genie/core/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OpenEgress, openEgress, upstreamProxyOf } from './open-egress.ts';

let home: string;
let door: OpenEgress;
const events: GenieEvent[] = [];
const approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'genie-door-'));
  events.length = 0;
});

afterEach(async () => {
  await door?.close();
  rmSync(home, { recursive: true, force: true });
});

function open(allow: readonly string[], providers: readonly string[] = []): OpenEgress {
  door = openEgress({
    ...{ home, genieId: 'g', allow, allowPrivate: [], approvals, providers },
    events: (event) => void events.push(event),
  });
  return door;
}

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
};

describe('watchNetwork', () => {
  it('tells when the network goes and when it comes back', async () => {
    const server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    open([`127.0.0.1:${port}`]).watchNetwork({ targets: [{ url: `http://127.0.0.1:${port}/` }], intervalMs: 120 });
    const changes = (): unknown[] => events.flatMap((event) => (event.type === 'network.changed' ? event.state : []));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(changes()).toEqual([]);
    server.closeAllConnections();
    server.close();
    await until(() => changes().length === 1);
    server.listen(port, '127.0.0.1');
    await until(() => changes().length === 2);
    expect(changes()).toEqual(['offline', 'online']);
    await door.close();
    server.closeAllConnections();
    server.close();
  });

  it('asks nobody but the providers, and nothing of the user', async () => {
    expect(open([]).watchNetwork({})).toBeUndefined();
    await door.close();
    const watched = open([], ['api.example.test', '127.0.0.1:11434']).watchNetwork({});
    await until(() => (watched?.refused.length ?? 0) > 0);
    expect(watched?.refused).toEqual(['https://api.example.test/']);
    expect(await approvals.list()).toEqual([]);
  });
});

describe('upstreamProxyOf', () => {
  it('takes the password from the environment', () => {
    const settings = { url: 'http://proxy.test:3128', authVariable: 'PROXY_AUTH' };
    expect(upstreamProxyOf(settings, { PROXY_AUTH: 'me:secret' })).toEqual({ url: settings.url, auth: 'me:secret' });
    expect(upstreamProxyOf(settings, {})).toEqual({ url: settings.url });
    expect(upstreamProxyOf(undefined, {})).toBeUndefined();
  });

  it('is the door of the container in one, whatever the settings say: nothing else is reachable from there', () => {
    const door = { url: 'http://127.0.0.1:1', resolve: 'there', onlyWay: true };
    const environment = { GENIE_EGRESS_PROXY: door.url, PROXY_AUTH: 'me:secret' };
    expect(upstreamProxyOf({ url: 'http://proxy.test:3128', authVariable: 'PROXY_AUTH' }, environment)).toEqual(door);
    expect(upstreamProxyOf(undefined, environment)).toEqual(door);
  });
});
