import { expectThat } from '@genie/core/conformance';
import type { Attack, AttackWorld } from './attack.ts';
import { describe, expectNothingLeft, expectRefused } from './expect-stopped.ts';
import { buildHello } from './hello-bytes.ts';

const get = (world: AttackWorld, host: string, path = '/'): string => {
  const at = `${host}:${world.ports.allowed}`;
  return `GET http://${at}${path} HTTP/1.1\r\nHost: ${at}\r\n\r\n`;
};

const post = (world: AttackWorld, host: string, headers: string, body: string): string => {
  const at = `${host}:${world.ports.allowed}`;
  return `POST http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n${headers}\r\n\r\n${body}`;
};

/** Too much, too often, too slow, or at the wrong time. */
export const attacksOnLimits: readonly Attack[] = [
  {
    name: 'a method that the entry does not list',
    rule: 'method',
    async run(world) {
      const at = `limited.test:${world.ports.allowed}`;
      expectRefused(world, await world.send(`DELETE http://${at}/ HTTP/1.1\r\nHost: ${at}\r\n\r\n`), 'not-allowed');
    },
  },
  {
    name: 'a declared body over the limit',
    rule: 'request-bytes',
    async run(world) {
      expectRefused(
        world,
        await world.send(post(world, 'limited.test', 'Content-Length: 1001', 'x'.repeat(1_001))),
        'request-bytes',
      );
    },
  },
  {
    name: 'a chunked body over the limit',
    rule: 'request-bytes',
    async run(world) {
      const chunk = `${(600).toString(16)}\r\n${'x'.repeat(600)}\r\n`;
      const reply = await world.send(
        post(world, 'limited.test', 'Transfer-Encoding: chunked', `${chunk}${chunk}0\r\n\r\n`),
      );
      expectThat(reply.reason === 'request-bytes', `it was let through: ${describe(reply)}`);
      expectNothingLeft(world);
    },
  },
  {
    name: 'an answer over the limit',
    rule: 'response-bytes',
    async run(world) {
      const reply = await world.send(get(world, 'limited.test', '/long'));
      expectThat(reply.isClosed && reply.text.length < 50_000, `${reply.text.length} bytes came back`);
    },
  },
  {
    name: 'an answer over the limit, in process',
    rule: 'response-bytes',
    async run(world) {
      const answer = await world.fetch(`http://limited.test:${world.ports.allowed}/long`);
      expectThat(answer !== 'status 200', 'the whole answer came back');
    },
  },
  {
    name: 'an answer over the limit, to an upgrade that the server declines',
    rule: 'response-bytes',
    async run(world) {
      const upgrade = get(world, 'limited.test', '/long').replace(
        '\r\n\r\n',
        '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      );
      const reply = await world.send(upgrade);
      expectThat(reply.isClosed && reply.text.length < 50_000, `${reply.text.length} bytes came back`);
    },
  },
  {
    name: 'more through a tunnel than its entry allows',
    rule: 'request-bytes',
    async run(world) {
      const hello = buildHello({ names: ['tunnel-limited.test'] });
      const reply = await world.tunnel(
        `tunnel-limited.test:${world.ports.tls}`,
        [hello, ...Array.from({ length: 20 }, () => Buffer.alloc(1_000))],
        { pauseMs: 5 },
      );
      expectThat(reply.isClosed && world.tlsBytes() < 10_000, `${world.tlsBytes()} bytes went through`);
    },
  },
  {
    name: 'more requests than a minute has room for',
    rule: 'rate',
    async run(world) {
      const replies = [];
      for (let index = 0; index < 3; index += 1)
        replies.push(await world.send(get(world, 'rated.test').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')));
      expectThat(replies[1]?.status === 200 && replies[2]?.reason === 'rate', replies.map(describe).join('; '));
      expectThat(world.arrived.length === 2, `${world.arrived.length} requests arrived`);
    },
  },
  {
    name: 'a request outside the hours of its entry',
    rule: 'hours',
    async run(world) {
      expectRefused(world, await world.send(get(world, 'night.test')), 'hours');
    },
  },
  {
    name: 'headers of a megabyte',
    rule: 'wire:header-size',
    async run(world) {
      const reply = await world.send(
        get(world, 'allowed.test').replace('\r\n\r\n', `\r\nX: ${'x'.repeat(1_000_000)}\r\n\r\n`),
      );
      expectThat(reply.isClosed && reply.status !== 200, describe(reply));
      expectNothingLeft(world);
    },
  },
  {
    name: 'headers that never end',
    rule: 'wire:slow-client',
    async run(world) {
      const reply = await world.send('GET http://allowed.test/ HTTP/1.1\r\nX: ', { quietMs: 2_000 });
      expectThat(reply.isClosed, 'the connection is still open');
    },
  },
  {
    name: 'a body that never ends',
    rule: 'wire:slow-client',
    async run(world) {
      const reply = await world.send(post(world, 'allowed.test', 'Content-Length: 10', 'x'), { quietMs: 3_500 });
      expectThat(reply.isClosed, 'the connection is still open');
    },
  },
  {
    name: 'a thousand requests at once on one connection',
    rule: 'wire:pipelining',
    async run(world) {
      await world.send(get(world, 'allowed.test').repeat(1_000), { quietMs: 1_500, everyRequest: true });
      expectThat(world.lookups.length <= 16, `${world.lookups.length} of them were taken at once`);
    },
  },
];
