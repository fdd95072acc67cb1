import { expectThat } from '@genie/core/conformance';
import type { RuleName } from '../policy/rules.ts';
import type { Attack, AttackWorld } from './attack.ts';
import { describe, expectNothingLeft, expectRefused } from './expect-stopped.ts';

type Build = (authority: string, world: AttackWorld) => string;

// Whole requests to an allowed server, which have to be refused before anything is sent.
const requests: readonly (readonly [what: string, rule: RuleName, reason: string, build: Build])[] = [
  [
    'a Host of another server',
    'wire:host-matches',
    'host-mismatch',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: evil.test\r\n\r\n`,
  ],
  [
    'a Host with another port',
    'wire:host-matches',
    'host-mismatch',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: allowed.test:1\r\n\r\n`,
  ],
  [
    'a Host without the port',
    'wire:host-matches',
    'host-mismatch',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n`,
  ],
  [
    'a Host with user information',
    'wire:host-matches',
    'host-mismatch',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: x@${at}\r\n\r\n`,
  ],
  ['an empty Host', 'wire:host-matches', 'host-mismatch', (at) => `GET http://${at}/ HTTP/1.1\r\nHost:\r\n\r\n`],
  [
    'two Host headers, the last one allowed',
    'wire:one-host',
    'request-smuggling',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nHost: ${at}\r\n\r\n`,
  ],
  [
    'two Host headers, the second hostile',
    'wire:one-host',
    'request-smuggling',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nHost: evil.test\r\n\r\n`,
  ],
  [
    'a transfer coding that is not only chunked',
    'wire:framing',
    'request-smuggling',
    (at) => `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'two transfer codings',
    'wire:framing',
    'request-smuggling',
    (at) =>
      `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'chunks in HTTP/1.0',
    'wire:framing',
    'request-smuggling',
    (at) => `POST http://${at}/ HTTP/1.0\r\nHost: ${at}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'CONNECT with a length',
    'wire:framing',
    'request-smuggling',
    (at) => `CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 4\r\n\r\nGET `,
  ],
  [
    'an upgrade with a body',
    'wire:framing',
    'request-smuggling',
    (at) =>
      `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc`,
  ],
  [
    'Connection that names Host',
    'wire:connection-names',
    'request-smuggling',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: close, Host\r\n\r\n`,
  ],
  [
    'Connection that names Content-Length',
    'wire:connection-names',
    'request-smuggling',
    (at) => `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nab`,
  ],
  [
    'Connection that names Authorization',
    'wire:connection-names',
    'request-smuggling',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: Authorization\r\nAuthorization: x\r\n\r\n`,
  ],
  [
    'an upgrade to cleartext HTTP/2',
    'wire:upgrade',
    'request-form',
    (at) =>
      `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
  ],
  [
    'an upgrade to TLS',
    'wire:upgrade',
    'request-form',
    (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n`,
  ],
  ['a path only', 'wire:form', 'request-form', (at) => `GET / HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  ['the https scheme', 'wire:form', 'request-form', (at) => `GET https://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  ['the ftp scheme', 'wire:form', 'request-form', (at) => `GET ftp://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  ['the file scheme', 'wire:form', 'request-form', (at) => `GET file:///etc/passwd HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  [
    'user information in the target',
    'wire:form',
    'request-form',
    (at) => `GET http://user@${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
  ],
  [
    'an allowed name as user information',
    'wire:form',
    'request-form',
    (at, { ports }) => `GET http://${at}@127.0.0.1:${ports.victim}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
  ],
  [
    'a port of six digits',
    'wire:form',
    'request-form',
    () => 'GET http://allowed.test:165536/ HTTP/1.1\r\nHost: allowed.test:165536\r\n\r\n',
  ],
  [
    'a port with leading zeros',
    'wire:form',
    'request-form',
    (_at, { ports }) =>
      `GET http://allowed.test:0${ports.allowed}/ HTTP/1.1\r\nHost: allowed.test:0${ports.allowed}\r\n\r\n`,
  ],
  ['TRACE', 'wire:form', 'method', (at) => `TRACE http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  [
    'a fragment in the target',
    'wire:path',
    'request-form',
    (at) => `GET http://${at}/a#b HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
  ],
  ['no password', 'wire:auth', 'authentication', (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  [
    '201 headers',
    'wire:header-size',
    'request-smuggling',
    (at) =>
      `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n${Array.from({ length: 201 }, (_, index) => `x-${index}: 1\r\n`).join('')}\r\n`,
  ],
];

function wholeRequest([what, rule, reason, build]: (typeof requests)[number]): Attack {
  return {
    name: `a request with ${what}`,
    rule,
    async run(world) {
      const at = `allowed.test:${world.ports.allowed}`;
      const reply = await world.send(build(at, world), rule === 'wire:auth' ? { proxyAuthorization: '' } : {});
      expectRefused(world, reply, reason);
    },
  };
}

// Shapes that the parser itself must not accept. No rule of ours stands behind them, so no mutant can drop it.
const shapes: readonly (readonly [what: string, build: Build])[] = [
  ['raw bytes in the path', (at) => `GET http://${at}/\u00ff\u0080 HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  ['a backslash before another host', (at) => `GET http://allowed.test\\@127.0.0.1/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  [
    'a full-width letter in the host',
    (at) => `GET http://\u00ef\u00bd\u0081llowed.test/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
  ],
  [
    'an ideographic full stop in the host',
    (at) => `CONNECT allowed\u00e3\u0080\u0082test:443 HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
  ],
  ['a soft hyphen in the host', (at) => `CONNECT al\u00c2\u00adlowed.test:443 HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  [
    'both a length and chunks',
    (at) =>
      `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'two lengths',
    (at) => `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\n`,
  ],
  ['a length with a sign', (at) => `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nContent-Length: +2\r\n\r\nab`],
  ['a space before the colon', (at) => `GET http://${at}/ HTTP/1.1\r\nHost : ${at}\r\n\r\n`],
  ['line feeds only', (at) => `GET http://${at}/ HTTP/1.1\nHost: ${at}\n\n`],
  ['a carriage return in a value', (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nX: a\rb\r\n\r\n`],
  ['a NUL in a value', (at) => `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nX: a\0b\r\n\r\n`],
  [
    'a chunk size with a plus',
    (at) => `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n`,
  ],
  [
    'a chunk size over 64 bits',
    (at) =>
      `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\na\r\n`,
  ],
  ['a tab in the request line', (at) => `GET\thttp://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`],
  ['a version of the future', (at) => `GET http://${at}/ HTTP/3.7\r\nHost: ${at}\r\n\r\n`],
  ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['no Host at all', (at) => `GET http://${at}/ HTTP/1.1\r\n\r\n`],
];

function malformed([what, build]: (typeof shapes)[number]): Attack {
  return {
    name: `a request with ${what}`,
    rule: 'wire:framing',
    async run(world) {
      const reply = await world.send(build(`allowed.test:${world.ports.allowed}`, world));
      expectThat(reply.isClosed && (reply.status ?? 400) >= 400, `it was not refused: ${describe(reply)}`);
      const smuggled = world.arrived.filter((request) => request.url !== '/' || request.body !== '');
      expectThat(smuggled.length === 0, `${JSON.stringify(smuggled[0])} arrived`);
      expectThat(world.arrived.length <= (what.startsWith('a chunk') ? 1 : 0), 'the request arrived');
    },
  };
}

const others: readonly Attack[] = [
  {
    name: 'a wrong password',
    rule: 'wire:auth',
    async run(world) {
      const at = `allowed.test:${world.ports.allowed}`;
      const proxyAuthorization = `Basic ${Buffer.from('user:wrong').toString('base64')}`;
      expectRefused(
        world,
        await world.send(`CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n`, { proxyAuthorization }),
        'authentication',
      );
    },
  },
  {
    name: 'headers for the next hop that the proxy must keep to itself',
    rule: 'wire:hop-by-hop',
    async run(world) {
      const at = `allowed.test:${world.ports.allowed}`;
      await world.send(
        `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\n\r\n`,
      );
      const headers = world.arrived[0]?.headers ?? {};
      const leaked = ['proxy-authorization', 'x-secret', 'te', 'keep-alive'].filter((name) => name in headers);
      expectThat(world.arrived.length === 1 && leaked.length === 0, `leaked: ${leaked.join(', ')}`);
    },
  },
  {
    name: 'a second request hidden in the body of the first',
    rule: 'wire:framing',
    async run(world) {
      const at = `allowed.test:${world.ports.allowed}`;
      const hidden = `GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n`;
      await world.send(
        `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      );
      expectThat(world.arrived.length === 1 && world.arrived[0]?.body === hidden, 'the body was read as a request');
    },
  },
  {
    name: 'a forbidden request in the pipeline behind an allowed one',
    rule: 'allowlist',
    async run(world) {
      const at = `allowed.test:${world.ports.allowed}`;
      const evil = `evil.test:${world.ports.allowed}`;
      await world.send(
        `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\nGET http://${evil}/ HTTP/1.1\r\nHost: ${evil}\r\n\r\n`,
        { everyRequest: true },
      );
      expectThat(!world.arrived.some((request) => request.headers.host === evil), 'the second request was not judged');
      expectThat(!world.lookups.includes('evil.test'), 'its name was resolved');
    },
  },
  {
    name: 'the proxy as its own destination',
    rule: 'literal',
    async run(world) {
      const reply = await world.send(`GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n`);
      expectRefused(world, reply, 'address-literal');
      expectNothingLeft(world);
    },
  },
];

/** Requests that two programs could read differently. */
export const attacksOnTheWire: readonly Attack[] = [...requests.map(wholeRequest), ...shapes.map(malformed), ...others];
