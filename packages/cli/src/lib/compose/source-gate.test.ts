import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryApprovals, type WakeDecision } from '@genie/core';
import { createIds, type JsonObject, type JsonValue, type Source, systemClock } from '@genie/core/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FeedServer, openFeedServer } from '../testing/feed-server.ts';
import { type OpenEgress, openEgress } from './open-egress.ts';
import { createQuietGate, type QuietGate } from './source-gate.ts';

let home: string;
let server: FeedServer;
let source: Source;
let door: OpenEgress;
let gate: QuietGate;
const approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
const signal = new AbortController().signal;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'genie-gate-'));
  server = await openFeedServer(['One']);
  source = { kind: 'feed', location: `http://news.example.test:${server.port}/feed.xml` };
  door = openEgress({
    home,
    genieId: 'g',
    allow: [],
    allowPrivate: [server.address],
    approvals,
    events: () => undefined,
    lookup: () => Promise.resolve(['127.0.0.1']),
  });
  const working = new Map<string, JsonValue>();
  const memory = {
    working: {
      get: async (key: string) => working.get(key),
      set: async (key: string, value: JsonValue) => void working.set(key, value),
      delete: async (key: string) => void working.delete(key),
    },
  };
  gate = createQuietGate({ sources: [source], door: door.quiet, memory, genieId: 'g', approvals });
});
afterEach(async () => {
  await Promise.all([door.close(), server.close()]);
  rmSync(home, { recursive: true, force: true });
});

function wake(lastState: JsonValue | undefined): Promise<WakeDecision> {
  return gate.wakeGate({
    trigger: { kind: 'manual' },
    goal: 'x',
    sources: [source],
    lastState,
    fetch: globalThis.fetch,
    signal,
  });
}

const allow = () => door.egress.grant({ host: 'news.example.test', port: server.port, genieId: 'g' });

describe('createQuietGate', () => {
  it('asks nobody and sends nothing for a host that nobody decided about', async () => {
    const { wake: wakes, state } = await wake(undefined);
    expect({ wakes, state }).toEqual({
      wakes: true,
      state: { [`feed:${source.location}`]: 'error:GENIE_EGRESS_DENIED' },
    });
    expect(await approvals.list()).toEqual([]);
    expect(server.requests()).toBe(0);
    expect(await wake(state)).toMatchObject({ wake: false });
  });

  it('does not take a permission given during a run for news, but sees what came after it', async () => {
    const { state } = await wake(undefined);
    const grant = await allow();
    const found = await gate.lookAgain(state as JsonObject, signal);
    await gate.keep(found);
    expect(await wake(state)).toMatchObject({ wake: false });
    server.setTitles(['One', 'Two']);
    expect(await wake(state)).toMatchObject({ wake: true, reason: '1 of 1 source changed' });
    await door.egress.revoke(grant.id);
  });

  it('wakes once more when a look was not kept, because its run did not finish', async () => {
    const { state } = await wake(undefined);
    const grant = await allow();
    await gate.lookAgain(state as JsonObject, signal);
    expect(await wake(state)).toMatchObject({ wake: true });
    await door.egress.revoke(grant.id);
  });

  it('does not start a scheduled run while another one waits for a decision, but a message does', async () => {
    const action = {
      kind: 'egress',
      genieId: 'g',
      subject: 'egress:news.example.test:80:read',
      payload: { host: 'news.example.test' },
    } as const;
    const other = { ...action, subject: 'egress:x.test:80:read', payload: { host: 'x.test' } };
    await approvals.request({ action: other, title: 'Read x.test', runId: 'run_chat' });
    const context = { goal: 'x', sources: [source], lastState: undefined, fetch: globalThis.fetch, signal };
    expect(await gate.wakeGate({ ...context, trigger: { kind: 'schedule', dueAt: 1 } })).toMatchObject({ wake: true });
    const row = await approvals.request({ action, title: 'Read news.example.test', runId: 'run_waiting' });
    expect(await gate.wakeGate({ ...context, trigger: { kind: 'schedule', dueAt: 1 } })).toMatchObject({
      wake: false,
      reason: 'a run waits for your decision already',
    });
    expect(await gate.wakeGate({ ...context, trigger: { kind: 'message', text: 'hello' } })).toMatchObject({
      wake: true,
    });
    await approvals.decide(row.id, { verdict: 'deny', by: 'user' });
    expect(await gate.wakeGate({ ...context, trigger: { kind: 'schedule', dueAt: 1 } })).toMatchObject({ wake: true });
  });

  it('looks again only at what was closed', async () => {
    expect(await gate.lookAgain({ [`feed:${source.location}`]: 'a fingerprint' }, signal)).toEqual({});
    await gate.keep({});
  });
});
