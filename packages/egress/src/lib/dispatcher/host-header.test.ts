import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEgress, type Egress } from '../create-egress.ts';
import { type OriginServer, startOrigin } from '../testing/origin-server.ts';
import { checkHostHeader } from './host-header.ts';

let origin: OriginServer;
let egress: Egress;

beforeAll(async () => {
  origin = await startOrigin();
  egress = createEgress({
    allow: ['allowed.test'],
    ports: [origin.port],
    allowPrivate: [`127.0.0.1:${origin.port}`],
    lookup: async () => ['127.0.0.1'],
  });
});

beforeEach(() => void origin.requests.splice(0));

afterAll(async () => {
  await egress.close();
  await origin.close();
});

type Headers = NonNullable<Parameters<typeof request>[1]>['headers'];

const ask = (headers: Headers): Promise<unknown> =>
  request(`http://allowed.test:${origin.port}/`, { dispatcher: egress.dispatcher, headers: headers ?? null });

function* once(name: string, value: string): Generator<[string, string]> {
  yield ['x-one', '1'];
  yield [name, value];
}

describe('a Host header in process', () => {
  it.each<readonly [string, Headers]>([
    ['an object', { HOST: 'evil.test' }],
    ['a list', ['x-one', '1', 'Host', 'evil.test']],
    ['a map', new Map([['hOst', 'evil.test']])],
    ['an iterator', once('host', 'evil.test')],
    ['another port', { host: 'allowed.test:1' }],
  ])('that names another server is refused: %s', async (_what, headers) => {
    await expect(ask(headers)).rejects.toMatchObject({ details: { reason: 'host-mismatch' } });
    expect(origin.connections()).toBe(0);
  });

  it('that names the server itself passes, with the headers beside it', async () => {
    await ask(once('Host', `ALLOWED.test:${origin.port}`));
    expect(origin.requests[0]?.headers['x-one']).toBe('1');
  });

  it('lacks its port where that is the usual one', () => {
    const https = { scheme: 'https', hostText: 'allowed.test', port: 443 } as const;
    expect(() => checkHostHeader({ host: 'allowed.test' }, https)).not.toThrow();
    expect(() => checkHostHeader({ host: 'allowed.test' }, { ...https, scheme: 'http' })).toThrow('Host is');
  });
});
