import { expectThat } from '@genie/core/conformance';
import type { RuleName } from '../policy/rules.ts';
import type { Attack } from './attack.ts';
import { expectNoLookup, expectRefused } from './expect-stopped.ts';

// Hosts as they go over the wire, with what stops them.
const hosts: readonly (readonly [what: string, host: string, rule: RuleName, reason: string])[] = [
  ['an allowed name with a trailing dot', 'allowed.test.', 'grammar', 'host-grammar'],
  ['an allowed name with two trailing dots', 'allowed.test..', 'grammar', 'host-grammar'],
  ['an empty label', 'allowed..test', 'grammar', 'host-grammar'],
  ['a leading dot', '.allowed.test', 'grammar', 'host-grammar'],
  ['a percent-encoded dot', 'allowed%2Etest', 'grammar', 'host-grammar'],
  ['a percent-encoded NUL and another name', 'allowed.test%00.evil.test', 'grammar', 'host-grammar'],
  ['an underscore', 'allowed_.test', 'grammar', 'host-grammar'],
  ['a leading dash', '-allowed.test', 'grammar', 'host-grammar'],
  ['a trailing dash', 'allowed-.test', 'grammar', 'host-grammar'],
  ['a label of 64 letters', `${'a'.repeat(64)}.test`, 'grammar', 'host-grammar'],
  ['a name of 255 letters', `${'abcdefg.'.repeat(31)}example`, 'grammar', 'host-grammar'],
  ['a comma between two names', 'allowed.test,evil.test', 'grammar', 'host-grammar'],
  ['a semicolon between two names', 'allowed.test;evil.test', 'grammar', 'host-grammar'],
  ['a star', '*.wild.test', 'grammar', 'host-grammar'],
  ['punycode that decodes to nothing', 'xn--a.test', 'grammar', 'host-grammar'],
  ['punycode of plain ASCII', 'xn--allowed-.test', 'grammar', 'host-grammar'],
  ['another name', 'evil.test', 'allowlist', 'not-allowed'],
  ['the allowed name as a prefix', 'allowed.test.evil.test', 'allowlist', 'not-allowed'],
  ['the allowed name as a suffix', 'evilallowed.test', 'allowlist', 'not-allowed'],
  ['a name below an exact entry', 'sub.allowed.test', 'allowlist', 'not-allowed'],
  ['the base of a wildcard', 'wild.test', 'allowlist', 'not-allowed'],
  ['a lookalike of a wildcard', 'evilwild.test', 'allowlist', 'not-allowed'],
  ['the wildcard as a prefix', 'a.wild.test.evil.test', 'allowlist', 'not-allowed'],
  ['a Cyrillic lookalike in punycode', 'xn--llowed-4nf.test', 'allowlist', 'not-allowed'],
  ['a single label', 'allowed', 'allowlist', 'not-allowed'],
  ['a dotted address', '127.0.0.1', 'literal', 'address-literal'],
  ['a public address', '93.184.216.34', 'literal', 'address-literal'],
  ['the metadata address', '169.254.169.254', 'literal', 'address-literal'],
  ['the name localhost', 'localhost', 'literal', 'address-literal'],
  ['IPv6 loopback', '[::1]', 'literal', 'address-literal'],
  ['IPv6 metadata', '[fd00:ec2::254]', 'literal', 'address-literal'],
  ['a mapped address', '[::ffff:7f00:1]', 'literal', 'address-literal'],
  ['an address as one decimal', '2130706433', 'grammar', 'address-literal'],
  ['an address as one hexadecimal', '0x7f000001', 'grammar', 'address-literal'],
  ['an address with octal parts', '0177.0.0.1', 'grammar', 'address-literal'],
  ['an address with hexadecimal parts', '0x7f.0.0.0x1', 'grammar', 'address-literal'],
  ['a short address', '127.1', 'grammar', 'address-literal'],
  ['the address 0', '0', 'grammar', 'address-literal'],
  ['an address with a trailing dot', '127.0.0.1.', 'grammar', 'address-literal'],
  ['an address with a leading zero', '127.0.0.01', 'grammar', 'address-literal'],
  ['an address part over 255', '127.0.0.257', 'grammar', 'address-literal'],
  ['IPv6 in a long spelling', '[0:0:0:0:0:0:0:1]', 'grammar', 'address-literal'],
  ['IPv6 with a dotted tail', '[::ffff:127.0.0.1]', 'grammar', 'address-literal'],
];

function overTheProxy([what, host, rule, reason]: (typeof hosts)[number]): readonly Attack[] {
  return [
    {
      name: `GET to ${what}`,
      rule,
      async run(world) {
        const authority = `${host}:${world.ports.victim}`;
        const reply = await world.send(`GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
        expectRefused(world, reply, reason);
        expectNoLookup(world);
      },
    },
    {
      name: `CONNECT to ${what}`,
      rule,
      async run(world) {
        const authority = `${host}:${world.ports.victim}`;
        const reply = await world.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
        expectRefused(world, reply, reason);
        expectNoLookup(world);
      },
    },
  ];
}

// What a URL parser would repair, written as a program would write it.
const urls: readonly (readonly [what: string, url: (port: number) => string, reason: string])[] = [
  ['full-width letters', (port) => `http://\uff41llowed.test:${port}/`, 'host-grammar'],
  ['an ideographic full stop', (port) => `http://allowed\u3002test:${port}/`, 'host-grammar'],
  ['circled digits', (port) => `http://\u2460\u2461\u2466.0.0.\u2460:${port}/`, 'address-literal'],
  ['a percent-encoded letter', (port) => `http://%61llowed.test:${port}/`, 'host-grammar'],
  ['user information', (port) => `http://allowed.test@127.0.0.1:${port}/`, 'host-grammar'],
  ['a backslash as a slash', (port) => `http:\\\\127.0.0.1:${port}/`, 'host-grammar'],
  ['a tab in the host', (port) => `http://allo\twed.test:${port}/`, 'host-grammar'],
  ['a decimal address', (port) => `http://2130706433:${port}/`, 'address-literal'],
  ['an octal address', (port) => `http://0177.1:${port}/`, 'address-literal'],
  ['an IPv6 address', (port) => `http://[::1]:${port}/`, 'address-literal'],
  ['a trailing dot', (port) => `http://allowed.test.:${port}/`, 'host-grammar'],
  ['a missing slash', (port) => `http:/127.0.0.1:${port}/`, 'host-grammar'],
];

function inProcess([what, url, reason]: (typeof urls)[number]): Attack {
  return {
    name: `fetch of a URL with ${what}`,
    rule: 'grammar',
    async run(world) {
      const answer = await world.fetch(url(world.ports.victim));
      expectThat(answer === reason, `expected "${reason}", got "${answer}"`);
      expectNoLookup(world);
      expectThat(world.victimConnections() === 0, 'the victim was connected to');
    },
  };
}

/** Destinations that look like an allowed one, or like none at all. */
export const attacksOnNames: readonly Attack[] = [...hosts.flatMap(overTheProxy), ...urls.map(inProcess)];
