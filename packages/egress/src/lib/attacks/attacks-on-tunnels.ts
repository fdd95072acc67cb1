import { expectThat } from '@genie/core/conformance';
import type { RuleName } from '../policy/rules.ts';
import type { Attack } from './attack.ts';
import { describe, expectCut, expectRefused } from './expect-stopped.ts';
import { buildHello, toRecords } from './hello-bytes.ts';

// First bytes of a tunnel to an allowed TLS server.
const firstBytes: readonly (readonly [what: string, rule: RuleName, bytes: () => Uint8Array])[] = [
  ['a client hello for another server', 'tunnel:name-matches', () => buildHello({ names: ['evil.test'] })],
  ['a client hello for a name below', 'tunnel:name-matches', () => buildHello({ names: ['x.allowed.test'] })],
  [
    'a client hello for the name with a trailing dot',
    'tunnel:name-matches',
    () => buildHello({ names: ['allowed.test.'] }),
  ],
  [
    'a client hello for the name with a NUL',
    'tunnel:name-matches',
    () => buildHello({ names: ['allowed.test\0.evil.test'] }),
  ],
  ['a client hello for an address', 'tunnel:name-matches', () => buildHello({ names: ['127.0.0.1'] })],
  [
    'a client hello for another server in small records',
    'tunnel:name-matches',
    () => buildHello({ names: ['evil.test'], recordBytes: 10 }),
  ],
  ['a client hello without a name', 'tunnel:one-name', () => buildHello({})],
  ['a client hello with two names', 'tunnel:one-name', () => buildHello({ names: ['allowed.test', 'allowed.test'] })],
  [
    'an encrypted client hello',
    'tunnel:encrypted-hello',
    () => buildHello({ names: ['allowed.test'], extraExtensions: [[0xfe0d, Buffer.alloc(40)]] }),
  ],
  [
    'an encrypted server name',
    'tunnel:encrypted-hello',
    () => buildHello({ names: ['allowed.test'], extraExtensions: [[0xffce, Buffer.alloc(40)]] }),
  ],
  ['SSH', 'tunnel:protocol', () => Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
  ['cleartext HTTP/2', 'tunnel:protocol', () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ['a database protocol', 'tunnel:protocol', () => Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])],
  ['random bytes', 'tunnel:protocol', () => Buffer.alloc(300, 0xa5)],
  ['lower-case HTTP', 'tunnel:protocol', () => Buffer.from('get / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')],
];

// Hellos that a lenient server may still read. The parser refuses them; there is no switch to let them through.
const malformed: readonly (readonly [what: string, bytes: () => Uint8Array])[] = [
  ['two server name extensions', () => buildHello({ names: ['allowed.test'], secondNames: ['evil.test'] })],
  ['an empty list of names', () => buildHello({ names: [] })],
  [
    'a second message in its record',
    () => buildHello({ names: ['allowed.test'], trailing: buildHello({ names: ['evil.test'] }).subarray(5) }),
  ],
  [
    'a record of another type inside',
    () => Buffer.concat([buildHello({ names: ['allowed.test'] }).subarray(0, 5), Buffer.from([21, 3, 1, 0, 2, 1, 0])]),
  ],
  ['an empty record', () => Buffer.from([22, 3, 1, 0, 0])],
  ['a record of 64 kB', () => Buffer.concat([Buffer.from([22, 3, 1, 255, 255]), Buffer.alloc(100)])],
  ['a version that is not TLS', () => Buffer.from([22, 2, 0, 0, 5, 1, 0, 0, 1, 0])],
  ['a server hello instead', () => toRecords(Buffer.from([2, 0, 0, 2, 3, 3]), 100)],
  [
    'a length past its end',
    () => toRecords(Buffer.concat([Buffer.from([1, 0, 0, 36, 3, 3]), Buffer.alloc(32), Buffer.from([200, 1])]), 100),
  ],
  ['an old SSL 2 hello', () => Buffer.from([0x80, 0x2e, 0x01, 0x03, 0x01, 0x00, 0x15, 0x00, 0x00, 0x00, 0x10])],
];

function intoTunnel(name: string, rule: RuleName, bytes: () => Uint8Array): Attack {
  return {
    name: `a tunnel that carries ${name}`,
    rule,
    async run(world) {
      expectCut(world, await world.tunnel(`allowed.test:${world.ports.tls}`, bytes()));
    },
  };
}

// Plain HTTP in a tunnel to the allowed web server.
const inner: readonly (readonly [
  what: string,
  rule: RuleName,
  reason: string,
  request: (at: string, victim: number) => string,
])[] = [
  ['a Host of another server', 'wire:host-matches', 'host-mismatch', () => 'GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n'],
  [
    'an absolute target',
    'tunnel:inner-host',
    'host-mismatch',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
  ],
  [
    'an absolute target elsewhere',
    'tunnel:inner-host',
    'host-mismatch',
    (_at, victim) => `GET http://127.0.0.1:${victim}/ HTTP/1.1\r\nHost: 127.0.0.1:${victim}\r\n\r\n`,
  ],
  [
    'two Host headers',
    'wire:one-host',
    'request-smuggling',
    (at) => `GET / HTTP/1.1\r\nHost: ${at}\r\nHost: ${at}\r\n\r\n`,
  ],
  [
    'two transfer codings',
    'wire:framing',
    'request-smuggling',
    (at) => `POST / HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'an upgrade to HTTP/2',
    'wire:upgrade',
    'request-form',
    (at) => `GET / HTTP/1.1\r\nHost: ${at}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
  ],
];

const otherHello = buildHello({ names: ['evil.test'] });
const cipherForShow = Buffer.from([20, 3, 3, 0, 1, 1]);

// A server may ask for a second hello, and not every server compares its name with the first.
const secondHellos: readonly (readonly [what: string, later: () => readonly Uint8Array[]])[] = [
  ['in the next flight', () => [otherHello]],
  ['behind a change of cipher', () => [Buffer.concat([cipherForShow, otherHello])]],
  ['after a change of cipher', () => [cipherForShow, otherHello]],
  ['in pieces', () => [otherHello.subarray(0, 3), otherHello.subarray(3, 50), otherHello.subarray(50)]],
  ['in small records', () => [buildHello({ names: ['evil.test'], recordBytes: 1 })]],
];

const others: readonly Attack[] = [
  {
    name: 'a second request in a tunnel with another Host',
    rule: 'wire:host-matches',
    async run(world) {
      const at = `allowed.test:${world.ports.allowed}`;
      await world.tunnel(
        at,
        `GET /first HTTP/1.1\r\nHost: ${at}\r\n\r\nGET /second HTTP/1.1\r\nHost: evil.test\r\n\r\n`,
      );
      expectThat(!world.arrived.some((request) => request.url === '/second'), 'the second request was not judged');
    },
  },
  {
    name: 'a client hello for another server, one byte at a time',
    rule: 'tunnel:name-matches',
    async run(world) {
      const bytes = [...buildHello({ names: ['evil.test'] })].map((byte) => Buffer.from([byte]));
      expectCut(world, await world.tunnel(`allowed.test:${world.ports.tls}`, bytes, { pauseMs: 1 }));
    },
  },
  ...secondHellos.map(
    ([what, later]): Attack => ({
      name: `a second client hello for another server ${what}`,
      rule: 'tunnel:second-hello',
      async run(world) {
        const honest = buildHello({ names: ['allowed.test'] });
        const reply = await world.tunnel(`allowed.test:${world.ports.tls}`, [honest, ...later()], { pauseMs: 30 });
        expectThat(reply.isClosed, `the tunnel stays open: ${describe(reply)}`);
        const more = world.tlsBytes() - honest.length;
        expectThat(more <= 0, `${more} bytes went through after the first hello`);
      },
    }),
  ),
  {
    name: 'a client hello that never ends',
    rule: 'tunnel:size',
    async run(world) {
      const endless = toRecords(Buffer.concat([Buffer.from([1, 255, 255, 255]), Buffer.alloc(200_000)]), 16_384);
      const reply = await world.tunnel(`allowed.test:${world.ports.tls}`, endless, { quietMs: 150 });
      expectThat(reply.isClosed, `200 kB are kept: ${describe(reply)}`);
    },
  },
  {
    name: 'a tunnel that stays silent',
    rule: 'wire:slow-client',
    async run(world) {
      const reply = await world.tunnel(`allowed.test:${world.ports.tls}`, '', { quietMs: 1_500 });
      expectThat(reply.isClosed, 'it is still open');
    },
  },
  {
    name: 'headers that never end, inside a tunnel',
    rule: 'wire:slow-client',
    async run(world) {
      const parts = ['GET / HTTP/1.1\r\nX: ', ...new Array<string>(12).fill('x')].map((text) => Buffer.from(text));
      const reply = await world.tunnel(`allowed.test:${world.ports.allowed}`, parts, { pauseMs: 100, quietMs: 300 });
      expectThat(reply.isClosed, 'it is still open');
    },
  },
  {
    name: 'a tunnel to a name that is allowed, at a port that is not',
    rule: 'port',
    async run(world) {
      const at = `allowed.test:${world.ports.closed}`;
      expectRefused(world, await world.send(`CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n`), 'not-allowed');
    },
  },
  {
    name: 'a tunnel to the mail port of an allowed name',
    rule: 'port',
    async run(world) {
      expectRefused(
        world,
        await world.send('CONNECT allowed.test:25 HTTP/1.1\r\nHost: allowed.test:25\r\n\r\n'),
        'port',
      );
    },
  },
  {
    name: 'a tunnel around a limit on methods',
    rule: 'method',
    async run(world) {
      const at = `limited.test:${world.ports.tls}`;
      expectRefused(world, await world.send(`CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n`), 'not-allowed');
    },
  },
  {
    name: 'CONNECT with a path',
    rule: 'wire:form',
    async run(world) {
      const at = `allowed.test:${world.ports.tls}`;
      const reply = await world.send(`CONNECT ${at}/x HTTP/1.1\r\nHost: ${at}\r\n\r\n`);
      expectThat((reply.status ?? 400) >= 400, describe(reply));
    },
  },
];

/** What is put into a tunnel once it is open. */
export const attacksOnTunnels: readonly Attack[] = [
  ...firstBytes.map(([what, rule, bytes]) => intoTunnel(what, rule, bytes)),
  ...malformed.map(([what, bytes]) => intoTunnel(`a client hello with ${what}`, 'tunnel:name-matches', bytes)),
  ...inner.map(
    ([what, rule, reason, request]): Attack => ({
      name: `HTTP in a tunnel with ${what}`,
      rule,
      async run(world) {
        const at = `allowed.test:${world.ports.allowed}`;
        expectRefused(world, await world.tunnel(at, request(at, world.ports.victim)), reason);
      },
    }),
  ),
  ...others,
];
