import { createMemoryApprovals } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { type Approval, type Approvals, createIds, systemClock } from '@genie/core/ports';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OpenWorld, openAttackWorld } from './attacks/attack-world.ts';

let approvals: Approvals;
let opened: OpenWorld;

beforeEach(async () => {
  approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
  opened = await openAttackWorld({ egress: { approvals, holdMs: 2_000 } });
});

afterEach(async () => {
  await opened.close();
  await approvals.close();
});

const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (GenieError.isInstance(error) ? String(error.details?.reason ?? error.code) : String(error)),
  );

async function pendingRows(): Promise<readonly Approval[]> {
  for (;;) {
    const rows = await approvals.list({ status: 'pending' });
    if (rows.length > 0) return rows;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function nextQuestion(): Promise<{ readonly id: string; readonly scheme: unknown }> {
  const [row] = await pendingRows();
  return { id: row?.id ?? '', scheme: row?.action.payload.scheme };
}

describe('an approval', () => {
  it('does not cover a redirect to the same host and port over another protocol', async () => {
    const { egress, world } = opened;
    const at = `new.test:${world.ports.allowed}`;
    const work = reasonOf(egress.fetch(`http://${at}/redirect`, { headers: { 'x-to': `https://${at}/end` } }));
    await approvals.decide((await nextQuestion()).id, { verdict: 'allow-once', by: 'test' });
    const second = await nextQuestion();
    expect(second.scheme).toBe('https');
    await approvals.decide(second.id, { verdict: 'deny', by: 'test' });
    expect(await work).toBe('denied-by-user');
    expect(world.arrived.map(({ url }) => url)).toEqual(['/redirect']);
  });

  it.each(['proxy', 'dispatcher'] as const)('to read does not cover a GET with a body (%s)', async (way) => {
    const { egress, world } = opened;
    const at = `new.test:${world.ports.allowed}`;
    await egress.grant({ host: 'new.test', port: world.ports.allowed, methodClass: 'read' });
    expect((await egress.fetch(`http://${at}/`)).status).toBe(200);
    const upload =
      way === 'proxy'
        ? world.send(
            `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
          )
        : request(`http://${at}/`, { dispatcher: egress.dispatcher, method: 'GET', body: 'hi' }).catch(
            (error) => error,
          );
    const [row] = await Promise.race([pendingRows(), upload.then(() => [])]);
    expect(row?.action.subject).toBe(`egress:new.test:${world.ports.allowed}:write`);
    await approvals.decide(row?.id ?? '', { verdict: 'deny', by: 'test' });
    await upload;
    expect(world.arrived).toHaveLength(1);
  });

  it('that comes after the filter was closed lets nothing out, in process and at the proxy', async () => {
    const { egress, world } = opened;
    const at = `new.test:${world.ports.allowed}`;
    const fetched = reasonOf(egress.fetch(`http://${at}/fetched`));
    const sent = world.send(`GET http://${at}/sent HTTP/1.1\r\nHost: ${at}\r\n\r\n`);
    while ((await approvals.list({ status: 'pending' })).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await egress.close();
    for (const { id } of await approvals.list()) await approvals.decide(id, { verdict: 'allow-once', by: 'test' });
    expect(await fetched).toBe('closed');
    expect((await sent).reason).toBe('closed');
    expect([world.lookups, world.connections()]).toEqual([[], 0]);
  });

  it('lets nothing out when the asker leaves in the moment in which it is used', async () => {
    const left = Promise.withResolvers<void>();
    const slow = await openAttackWorld({
      egress: { approvals: consumedLater(approvals, left.promise), holdMs: 2_000 },
    });
    try {
      const at = `new.test:${slow.world.ports.allowed}`;
      const request = slow.world.send(`GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`, { quietMs: 150 });
      await approvals.decide((await nextQuestion()).id, { verdict: 'allow-once', by: 'test' });
      await request;
      left.resolve();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(slow.world.connections()).toBe(0);
    } finally {
      await slow.close();
    }
  });
});

/** Lets an approval be used only when `when` is there, and whoever left was noticed. */
function consumedLater(inner: Approvals, when: Promise<void>): Approvals {
  const { grants } = inner;
  return {
    grants,
    request: (...input) => inner.request(...input),
    decide: (...input) => inner.decide(...input),
    get: (...input) => inner.get(...input),
    list: (...input) => inner.list(...input),
    wait: (...input) => inner.wait(...input),
    close: () => inner.close(),
    async consume(...input) {
      const isAllowed = await inner.consume(...input);
      await when;
      await new Promise((resolve) => setTimeout(resolve, 30));
      return isAllowed;
    },
  };
}
