import { expectThat } from '@genie/core/conformance';
import type { RuleName } from '../policy/rules.ts';
import type { Attack } from './attack.ts';
import { expectRefused } from './expect-stopped.ts';

// What a hostile resolver answers for an allowed name.
const answers: readonly (readonly [what: string, addresses: readonly string[], rule: RuleName])[] = [
  ['loopback', ['127.0.0.1'], 'address:loopback'],
  ['another loopback address', ['127.1.2.3'], 'address:loopback'],
  ['IPv6 loopback', ['::1'], 'address:loopback'],
  ['loopback mapped into IPv6', ['::ffff:127.0.0.1'], 'address:loopback'],
  ['loopback mapped, in hexadecimal', ['::ffff:7f00:1'], 'address:loopback'],
  ['loopback as a compatible address', ['::127.0.0.1'], 'address:loopback'],
  ['loopback translated', ['::ffff:0:127.0.0.1'], 'address:loopback'],
  ['loopback behind NAT64', ['64:ff9b::7f00:1'], 'address:loopback'],
  ['loopback inside 6to4', ['2002:7f00:1::'], 'address:loopback'],
  ['a 10/8 address', ['10.0.0.1'], 'address:private'],
  ['a 172.16/12 address', ['172.31.255.254'], 'address:private'],
  ['a 192.168/16 address', ['192.168.1.1'], 'address:private'],
  ['a unique local address', ['fd12:3456::1'], 'address:private'],
  ['a site-local address', ['fec0::1'], 'address:private'],
  ['a private address mapped into IPv6', ['::ffff:10.0.0.1'], 'address:private'],
  ['a private address inside ISATAP', ['2001:4860::5efe:10.0.0.1'], 'address:private'],
  ['a link-local address', ['169.254.10.10'], 'address:link-local'],
  ['an IPv6 link-local address', ['fe80::1'], 'address:link-local'],
  ['the metadata service', ['169.254.169.254'], 'address:metadata'],
  ['the metadata service over IPv6', ['fd00:ec2::254'], 'address:metadata'],
  ['the metadata service mapped into IPv6', ['::ffff:169.254.169.254'], 'address:metadata'],
  ['the metadata service behind NAT64', ['64:ff9b::a9fe:a9fe'], 'address:metadata'],
  ['a platform address that looks public', ['168.63.129.16'], 'address:metadata'],
  ['the metadata service of a CGNAT cloud', ['100.100.100.200'], 'address:metadata'],
  ['a carrier-grade NAT address', ['100.64.0.1'], 'address:cgnat'],
  ['this network', ['0.0.0.0'], 'address:unspecified'],
  ['an address in 0/8', ['0.1.2.3'], 'address:unspecified'],
  ['the unspecified IPv6 address', ['::'], 'address:unspecified'],
  ['a multicast address', ['224.0.0.1'], 'address:multicast'],
  ['an IPv6 multicast address', ['ff02::1'], 'address:multicast'],
  ['the broadcast address', ['255.255.255.255'], 'address:reserved'],
  ['a future address', ['250.0.0.1'], 'address:reserved'],
  ['a documentation address', ['192.0.2.1'], 'address:reserved'],
  ['a benchmark address', ['198.18.0.1'], 'address:reserved'],
  ['a Teredo address', ['2001:0:4136:e378:8000:63bf:3fff:fdd2'], 'address:reserved'],
  ['an IPv6 documentation address', ['2001:db8::1'], 'address:reserved'],
  ['an IPv6 address outside the public block', ['4000::1'], 'address:reserved'],
  ['something that is no address', ['not-an-address'], 'address:unreadable'],
  ['an address in octal', ['0177.0.0.1'], 'address:unreadable'],
  ['an address with a zone', ['fe80::1%lo'], 'address:unreadable'],
  ['a public address and a private one', ['93.184.216.34', '10.0.0.1'], 'address:all-answers'],
  ['a private address and a public one', ['10.0.0.1', '93.184.216.34'], 'address:all-answers'],
  ['a public address and IPv6 loopback', ['93.184.216.34', '::1'], 'address:all-answers'],
];

function lyingResolver([what, addresses, rule]: (typeof answers)[number]): Attack {
  return {
    name: `an allowed name that resolves to ${what}`,
    rule,
    async run(world) {
      world.resolveTo(addresses);
      const authority = `allowed.test:${world.ports.victim}`;
      const reply = await world.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      expectRefused(world, reply, 'address');
      expectThat(world.lookups.length === 1, `the resolver was asked ${world.lookups.length} times`);
    },
  };
}

const rebinding: readonly Attack[] = [
  {
    name: 'a name that resolves well for the first connection and to the victim for the second',
    rule: 'address:loopback',
    async run(world) {
      const request = (port: number): string =>
        `GET http://allowed.test:${port}/ HTTP/1.1\r\nHost: allowed.test:${port}\r\nConnection: close\r\n\r\n`;
      const first = await world.send(request(world.ports.allowed));
      expectThat(first.status === 200, 'the allowed request failed');
      world.resolveTo(['127.0.0.1']);
      const second = await world.send(request(world.ports.victim));
      expectThat(
        second.reason === 'address' && world.victimConnections() === 0,
        'the second connection went to the victim',
      );
    },
  },
  {
    name: 'a resolver that gives another answer when it is asked again for the same connection',
    rule: 'address:loopback',
    async run(world) {
      world.resolveTo([['10.0.0.1'], ['127.0.0.1']]);
      const reply = await world.send(
        `GET http://allowed.test:${world.ports.allowed}/ HTTP/1.1\r\nHost: allowed.test:${world.ports.allowed}\r\n\r\n`,
      );
      // The first answer is refused; a second question would have found the allowed server.
      expectThat(world.lookups.length === 1, `the resolver was asked ${world.lookups.length} times for one connection`);
      expectRefused(world, reply, 'address');
    },
  },
  {
    name: 'the listed private address at another port',
    rule: 'address:loopback',
    async run(world) {
      world.resolveTo(['127.0.0.1']);
      expectThat(
        (await world.fetch(`http://allowed.test:${world.ports.victim}/`)) === 'address',
        'the port of a listed address was ignored',
      );
      expectThat(world.victimConnections() === 0, 'the victim was connected to');
    },
  },
  {
    name: 'a redirect from an allowed server to a private address by name',
    rule: 'address:loopback',
    async run(world) {
      const to = `http://allowed.test:${world.ports.victim}/`;
      const answer = await world.fetch(`http://allowed.test:${world.ports.allowed}/redirect`, {
        headers: { 'x-to': to },
      });
      expectThat(answer === 'address' && world.victimConnections() === 0, `the redirect was followed: ${answer}`);
    },
  },
  {
    name: 'a redirect from an allowed server to a literal',
    rule: 'literal',
    async run(world) {
      const to = `http://127.0.0.1:${world.ports.victim}/`;
      const answer = await world.fetch(`http://allowed.test:${world.ports.allowed}/redirect`, {
        headers: { 'x-to': to },
      });
      expectThat(
        answer === 'address-literal' && world.victimConnections() === 0,
        `the redirect was followed: ${answer}`,
      );
    },
  },
  {
    name: 'a redirect from an allowed server to another name',
    rule: 'allowlist',
    async run(world) {
      const to = `http://evil.test:${world.ports.allowed}/`;
      const answer = await world.fetch(`http://allowed.test:${world.ports.allowed}/redirect`, {
        headers: { 'x-to': to },
      });
      expectThat(answer === 'not-allowed', `the redirect was followed: ${answer}`);
      expectThat(!world.lookups.includes('evil.test'), 'the name of the redirect was resolved');
    },
  },
];

/** Allowed names that lead somewhere else. */
export const attacksOnAddresses: readonly Attack[] = [...answers.map(lyingResolver), ...rebinding];
