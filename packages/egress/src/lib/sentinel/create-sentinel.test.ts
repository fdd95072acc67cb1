import type { EgressPort, GenieEvent } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createEgress } from '../create-egress.ts';
import { startOrigin } from '../testing/origin-server.ts';
import { createSentinel, type SentinelOptions } from './create-sentinel.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Answer = 'ok' | 'redirect' | 'down' | 'slow' | 'denied' | 'certificate';

function scripted(options: Partial<SentinelOptions> = {}) {
  const clock = fixedClock();
  const events: GenieEvent[] = [];
  const asked: string[] = [];
  let answers: readonly Answer[] = ['ok'];
  const fetch: EgressPort['fetch'] = async (input) => {
    asked.push(String(input));
    const answer = answers[Number(new URL(String(input)).hostname.slice(1, 2))] ?? answers[0];
    if (answer === 'down')
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) });
    if (answer === 'certificate')
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error(), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
      });
    if (answer === 'denied') return createEgress({ allow: [] }).fetch(input);
    if (answer === 'slow') clock.advance(3_000);
    if (answer === 'redirect') return Response.redirect('https://portal.test/', 302);
    return new Response(null, { status: 204 });
  };
  const sentinel = createSentinel({
    egress: { fetch },
    targets: [{ url: 'http://t0.test/' }, { url: 'http://t1.test/' }],
    clock,
    random: () => 0.5,
    events: (event) => events.push(event),
    ...options,
  });
  cleanups.push(() => sentinel.close());
  const changes: string[] = [];
  sentinel.subscribe((state, previous) => changes.push(`${previous} > ${state}`));
  const probe = async (...given: readonly Answer[]): Promise<string> => {
    answers = given;
    return sentinel.probe();
  };
  return { sentinel, clock, events, asked, changes, probe };
}

describe('createSentinel', () => {
  it('changes only when two probes in a row agree', async () => {
    const { probe, changes, events } = scripted();
    expect(await probe('down', 'down')).toBe('online');
    expect(await probe('ok', 'ok')).toBe('online');
    expect(await probe('down', 'down')).toBe('online');
    expect(await probe('down', 'down')).toBe('offline');
    expect(await probe('ok', 'ok')).toBe('offline');
    expect(await probe('ok', 'ok')).toBe('online');
    expect(changes).toEqual(['online > offline', 'offline > online']);
    expect(events.map((event) => event.type === 'network.changed' && event.state)).toEqual(['offline', 'online']);
  });

  it.each([
    ['one target down', ['ok', 'down'], 'degraded'],
    ['slow answers', ['slow', 'ok'], 'degraded'],
    ['a portal that redirects', ['redirect', 'redirect'], 'captive'],
    ['a portal with another certificate', ['certificate', 'certificate'], 'captive'],
    ['a portal and nothing', ['redirect', 'down'], 'captive'],
    ['nothing', ['down', 'down'], 'offline'],
  ] as const)('sees %s', async (_what, answers, state) => {
    const { probe } = scripted({ agreeing: 1 });
    expect(await probe(...answers)).toBe(state);
  });

  it('does not take its own policy for the network', async () => {
    const { sentinel, probe } = scripted({ agreeing: 1 });
    expect(await probe('denied', 'denied')).toBe('online');
    expect(sentinel.refused).toEqual(['http://t0.test/', 'http://t1.test/']);
    expect(await probe('denied', 'down')).toBe('offline');
  });

  it('probes every 30 seconds, and sooner while a change is not certain', async () => {
    const { sentinel, clock, asked } = scripted();
    const settle = () => new Promise((resolve) => setTimeout(resolve, 10));
    sentinel.start();
    sentinel.start();
    await settle();
    expect(asked).toHaveLength(2);
    clock.advance(29_000);
    await settle();
    expect(asked).toHaveLength(2);
    clock.advance(1_001);
    await settle();
    expect(asked).toHaveLength(4);
    sentinel.close();
    clock.advance(100_000);
    await settle();
    expect(asked).toHaveLength(4);
  });

  it('works through the real filter', async () => {
    const origin = await startOrigin((_request, response) => response.writeHead(204).end());
    const egress = createEgress({
      allow: ['provider.test'],
      ports: [origin.port],
      allowPrivate: [`127.0.0.1:${origin.port}`],
      lookup: async () => ['127.0.0.1'],
    });
    cleanups.push(
      () => origin.close(),
      () => egress.close(),
    );
    const sentinel = createSentinel({
      egress,
      targets: [{ url: `http://provider.test:${origin.port}/`, expectStatus: 204 }],
      agreeing: 1,
    });
    cleanups.push(() => sentinel.close());
    expect(await sentinel.probe()).toBe('online');
    await origin.close();
    expect(await sentinel.probe()).toBe('offline');
  });

  it('tells everybody, also when one of them throws', async () => {
    const { sentinel, probe } = scripted({ agreeing: 1 });
    const told: string[] = [];
    sentinel.subscribe(() => {
      throw new Error('broken listener');
    });
    sentinel.subscribe((state) => told.push(state));
    expect(await probe('down', 'down')).toBe('offline');
    expect(told).toEqual(['offline']);
  });

  it('needs a target', () => {
    expect(() => scripted({ targets: [] })).toThrow('Name the URL of a provider');
  });
});
