import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMemoryApprovals } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { validateEvent } from '@genie/core/events';
import { type Approvals, createIds, type GenieEvent, systemClock } from '@genie/core/ports';
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenWorld, openAttackWorld } from '../attacks/attack-world.ts';
import { buildHello } from '../attacks/hello-bytes.ts';
import type { EgressOptions } from '../options.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(
  options: Partial<EgressOptions> = {},
): Promise<OpenWorld & { approvals: Approvals; url: (path?: string, host?: string) => string }> {
  const approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
  const opened = await openAttackWorld({ egress: { approvals, ...options } });
  cleanups.push(
    () => opened.close(),
    () => approvals.close(),
  );
  return {
    ...opened,
    approvals,
    url: (path = '/', host = 'new.test') => `http://${host}:${opened.world.ports.allowed}${path}`,
  };
}

const outcome = async (work: Promise<Response>): Promise<string> => {
  try {
    return `status ${(await work).status}`;
  } catch (error) {
    if (!GenieError.isInstance(error)) throw error;
    return String(error.details?.reason ?? error.code);
  }
};

const once = { verdict: 'allow-once', by: 'test' } as const;

describe('asking at the door', () => {
  it('rejects at once while nothing is decided, and sends nothing', async () => {
    const { egress, approvals, url, world } = await open();
    expect(
      await outcome(egress.fetch(url('/a?key=secret'), {}, { tool: 'web', claim: 'I need the news', runId: 'run_1' })),
    ).toBe('GENIE_APPROVAL_REQUIRED');
    const [row] = await approvals.list({ status: 'pending' });
    expect(row).toMatchObject({
      runId: 'run_1',
      claim: 'I need the news',
      action: { kind: 'egress', subject: `egress:new.test:${world.ports.allowed}:read` },
    });
    expect(row?.title).toBe(`Read http://new.test:${world.ports.allowed} (GET, asked by web)`);
    expect(JSON.stringify(row)).not.toContain('secret');
    expect(world.lookups).toEqual([]);
    expect(world.connections()).toBe(0);
  });

  it('lets exactly one request through after "allow once"', async () => {
    const { egress, approvals, url, world } = await open();
    const ask = (): Promise<string> => outcome(egress.fetch(url('/a'), {}, { runId: 'run_1' }));
    expect(await ask()).toBe('GENIE_APPROVAL_REQUIRED');
    await approvals.decide((await approvals.list())[0]?.id ?? '', once);
    const results = await Promise.all([ask(), ask(), ask()]);
    expect(results.filter((result) => result === 'status 200')).toHaveLength(1);
    expect(world.arrived).toHaveLength(1);
  });

  it('does not let another request pass on the same approval', async () => {
    const { egress, approvals, url, world } = await open();
    const ask = (path: string, init: RequestInit = {}): Promise<string> =>
      outcome(egress.fetch(url(path), init, { runId: 'run_1' }));
    await ask('/a?to=friend', { method: 'POST', body: 'hello' });
    await approvals.decide((await approvals.list())[0]?.id ?? '', once);
    expect(await ask('/a?to=enemy', { method: 'POST', body: 'hello' })).toBe('GENIE_APPROVAL_REQUIRED');
    expect(await ask('/a?to=friend', { method: 'POST', body: 'other' })).toBe('GENIE_APPROVAL_REQUIRED');
    expect(await ask('/a?to=friend', { method: 'PUT', body: 'hello' })).toBe('GENIE_APPROVAL_REQUIRED');
    expect(world.arrived).toHaveLength(0);
    expect(await ask('/a?to=friend', { method: 'POST', body: 'hello' })).toBe('status 200');
  });

  it('remembers "allow always" for the host, port and method class, until it is revoked', async () => {
    const { egress, approvals, url } = await open();
    await outcome(egress.fetch(url('/a')));
    await approvals.decide((await approvals.list())[0]?.id ?? '', { verdict: 'allow-always', by: 'test' });
    expect(await outcome(egress.fetch(url('/b?any=thing')))).toBe('status 200');
    expect(await outcome(egress.fetch(url('/b'), { method: 'POST' }))).toBe('GENIE_APPROVAL_REQUIRED');
    expect(await outcome(egress.fetch(url('/b', 'www.new.test')))).toBe('GENIE_APPROVAL_REQUIRED');
    const [grant] = await egress.grants();
    expect(await egress.revoke(grant?.id ?? '')).toBe(true);
    expect(await outcome(egress.fetch(url('/c')))).toBe('GENIE_APPROVAL_REQUIRED');
  });

  it('remembers "deny always" and asks no more', async () => {
    const { egress, approvals, url } = await open();
    await outcome(egress.fetch(url('/a')));
    await approvals.decide((await approvals.list())[0]?.id ?? '', { verdict: 'deny-always', by: 'test' });
    expect(await outcome(egress.fetch(url('/b')))).toBe('denied-by-user');
    expect(await approvals.list({ status: 'pending' })).toHaveLength(0);
  });

  it('holds a request until the decision when it may', async () => {
    const { egress, approvals, url } = await open({ holdMs: 5_000 });
    const held = outcome(egress.fetch(url('/a')));
    const row = await waitForPending(approvals);
    const decidedAt = performance.now();
    await approvals.decide(row, once);
    expect(await held).toBe('status 200');
    expect(performance.now() - decidedAt).toBeLessThan(500);
  });

  it('gives up after its time and discards the request', async () => {
    const { egress, url, world } = await open({ holdMs: 50 });
    expect(await outcome(egress.fetch(url('/a')))).toBe('GENIE_APPROVAL_REQUIRED');
    expect(world.connections()).toBe(0);
  });

  it('asks for five things at a time and tells the rest to wait', async () => {
    const { egress, url, approvals } = await open();
    const hosts = Array.from({ length: 8 }, (_, index) => `host${index}.test`);
    const results = await Promise.all(hosts.map((host) => outcome(egress.fetch(url('/', host)))));
    expect(results.filter((result) => result === 'too-many-pending')).toHaveLength(3);
    expect(await approvals.list({ status: 'pending' })).toHaveLength(5);
  });

  it('asks for five things of one host at a time, too', async () => {
    const { egress, url, approvals } = await open();
    const ask = (path: string): Promise<string> => outcome(egress.fetch(url(path)));
    const results = await Promise.all(['/1', '/2', '/3', '/4', '/5', '/6', '/7'].map(ask));
    expect(results.filter((result) => result === 'too-many-pending')).toHaveLength(2);
    expect(await ask('/1')).toBe('GENIE_APPROVAL_REQUIRED');
    expect(await approvals.list({ status: 'pending' })).toHaveLength(5);
  });

  it('tells whoever listens what is held and what became of it', async () => {
    const events: GenieEvent[] = [];
    const { egress, approvals, url } = await open({ holdMs: 5_000, events: (event) => void events.push(event) });
    const held = outcome(egress.fetch(url('/a?secret'), {}, { runId: 'run_1', callId: 'call_1' }));
    const id = await waitForPending(approvals);
    await approvals.decide(id, once);
    await held;
    expect(events).toMatchObject([
      { type: 'approval.requested', approvalId: id, runId: 'run_1', callId: 'call_1', kind: 'egress' },
      { type: 'approval.decided', approvalId: id, runId: 'run_1', status: 'allowed', by: 'test' },
      { type: 'egress.allowed' },
    ]);
    expect(events.map(validateEvent)).toEqual([undefined, undefined, undefined]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  it('lifts no hard denial', async () => {
    const { egress, world, approvals } = await open();
    for (const host of ['127.0.0.1', '169.254.169.254', 'localhost', '[::1]']) {
      expect(await outcome(egress.fetch(`http://${host}:${world.ports.victim}/`))).toBe('address-literal');
    }
    await egress.grant({ host: 'evil.test', port: world.ports.victim });
    expect(await outcome(egress.fetch(`http://evil.test:${world.ports.victim}/`))).toBe('address');
    await expect(egress.grant({ host: '127.0.0.1' })).rejects.toThrow('one host');
    expect(await approvals.list()).toHaveLength(0);
    expect(world.victimConnections()).toBe(0);
  });

  it('needs one approval for a request and its redirects on the same host, and another one for the next host', async () => {
    const { egress, approvals, url, world } = await open();
    const ask = (to: string, init: RequestInit = {}): Promise<string> =>
      outcome(egress.fetch(url('/redirect'), { ...init, headers: { 'x-to': to } }, { runId: 'run_1' }));
    expect(await ask(url('/end'))).toBe('GENIE_APPROVAL_REQUIRED');
    await approvals.decide((await approvals.list())[0]?.id ?? '', once);
    expect(await ask(url('/end'))).toBe('status 200');
    await egress.grant({ host: 'new.test', port: world.ports.allowed, methodClass: 'write' });
    expect(await ask(url('/end', 'next.test'))).toBe('GENIE_APPROVAL_REQUIRED');
    expect(await ask(url('/end', 'next.test'), { method: 'POST' })).toBe('approval-pending');
    expect(world.lookups).not.toContain('next.test');
  });

  it('ends a grant on time even when the clock is set back', async () => {
    let now = Date.now();
    let elapsed = 0;
    const clock = { now: () => now, elapsed: () => elapsed, schedule: () => () => undefined };
    const approvals = createMemoryApprovals({ clock, ids: createIds(clock) });
    const { egress, url } = await open({ approvals, clock });
    await egress.grant({ host: 'new.test', port: Number(new URL(url()).port), expiresInMs: 60_000 });
    expect(await outcome(egress.fetch(url('/a')))).toBe('status 200');
    elapsed += 61_000;
    now -= 3_600_000;
    expect(await outcome(egress.fetch(url('/b')))).toBe('GENIE_APPROVAL_REQUIRED');
  });
});

describe('asking at the proxy', () => {
  it('answers 403 with the approval, then lets one request pass', async () => {
    const { approvals, world } = await open();
    const at = `new.test:${world.ports.allowed}`;
    const request = `GET http://${at}/x HTTP/1.1\r\nHost: ${at}\r\nConnection: close\r\n\r\n`;
    const first = await world.send(request);
    expect([first.status, first.reason]).toEqual([403, 'approval-pending']);
    const [row] = await approvals.list();
    expect(first.text).toContain(`x-genie-approval: ${row?.id}`);
    await approvals.decide(row?.id ?? '', once);
    expect((await world.send(request)).status).toBe(200);
    expect((await world.send(request)).reason).toBe('approval-pending');
    expect(world.arrived).toHaveLength(1);
  });

  it('covers one tunnel with one approval, and everything in that tunnel', async () => {
    const { approvals, world } = await open({ holdMs: 2_000 });
    const at = `new.test:${world.ports.allowed}`;
    const inner = `GET /1 HTTP/1.1\r\nHost: ${at}\r\n\r\nGET /2 HTTP/1.1\r\nHost: ${at}\r\n\r\n`;
    const held = world.tunnel(at, inner, { quietMs: 1_000 });
    await approvals.decide(await waitForPending(approvals), once);
    await held;
    expect(world.arrived.map((request) => request.url)).toEqual(['/1', '/2']);
    const next = world.send(`CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n`, { quietMs: 100 });
    await waitForPending(approvals);
    expect((await next).status).toBeUndefined();
  });

  it('discards what was held when the asker leaves, and replays nothing', async () => {
    const { approvals, world } = await open({ holdMs: 5_000 });
    const at = `new.test:${world.ports.allowed}`;
    await world.send(`POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 2\r\n\r\nhi`, { quietMs: 100 });
    const id = await waitForPending(approvals);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await approvals.decide(id, once);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(world.connections()).toBe(0);
  });

  it('discards a WebSocket whose asker leaves while it is held', async () => {
    const { approvals, world } = await open({ holdMs: 5_000 });
    const at = `new.test:${world.ports.allowed}`;
    const upgrade = `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    await world.send(upgrade, { quietMs: 100 });
    const id = await waitForPending(approvals);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await approvals.decide(id, once);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(world.connections()).toBe(0);
  });

  it.each(['proxy', 'upgrade', 'fetch'] as const)(
    'breaks an answer off (%s) when its grant is revoked',
    async (way) => {
      const endless = createServer((_request, response) => {
        response.write('a little ');
      });
      await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
      const { port } = endless.address() as AddressInfo;
      const { egress, world } = await open({ allowPrivate: [`127.0.0.1:${port}`] });
      const grant = await egress.grant({ host: 'new.test', port });
      const upgrade = way === 'upgrade' ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
      const request = `GET http://new.test:${port}/ HTTP/1.1\r\nHost: new.test:${port}\r\n${upgrade}\r\n`;
      const held =
        way !== 'fetch'
          ? world.send(request, { quietMs: 3_000 }).then(({ isClosed }) => isClosed)
          : egress.fetch(`http://new.test:${port}/`).then((answer) =>
              answer.text().then(
                () => false,
                () => true,
              ),
            );
      await new Promise((resolve) => setTimeout(resolve, 200));
      await egress.revoke(grant.id);
      expect(await held).toBe(true);
      endless.closeAllConnections();
      endless.close();
    },
  );

  it('closes a tunnel that sends more than 64 kB before it was decided', async () => {
    const { world } = await open({ holdMs: 5_000 });
    const at = `new.test:${world.ports.tls}`;
    const eager = Buffer.concat([Buffer.from(`CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n`), Buffer.alloc(100_000)]);
    const reply = await world.send(eager, { quietMs: 1_000 });
    expect(reply.isClosed).toBe(true);
    expect(world.connections()).toBe(0);
  });

  it('cuts open tunnels when their grant is revoked', async () => {
    const { egress, world } = await open();
    const grant = await egress.grant({ host: 'new.test', port: world.ports.tls, methodClass: 'write' });
    const held = world.tunnel(`new.test:${world.ports.tls}`, buildHello({ names: ['new.test'] }), { quietMs: 3_000 });
    while (world.tlsBytes() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const revokedAt = performance.now();
    await egress.revoke(grant.id);
    expect((await held).isClosed).toBe(true);
    expect(performance.now() - revokedAt).toBeLessThan(1_000);
  });
});

async function waitForPending(approvals: Approvals): Promise<string> {
  for (;;) {
    const [row] = await approvals.list({ status: 'pending' });
    if (row !== undefined) return row.id;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
