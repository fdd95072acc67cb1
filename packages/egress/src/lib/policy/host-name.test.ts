import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyAddress, formatIpv6, parseIpv6 } from './address.ts';
import { describeHomograph } from './homograph.ts';
import { parseWireHost, parseWrittenHost } from './host-name.ts';

describe('parseWireHost', () => {
  it('takes every ordinary name as it is', () => {
    fc.assert(
      fc.property(fc.domain(), (name) => {
        expect(parseWireHost(name.toUpperCase())).toMatchObject({ host: { kind: 'name', name: name.toLowerCase() } });
      }),
    );
  });

  it('gives back what it was given or refuses it, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const result = parseWireHost(text);
        if ('host' in result) expect(result.host.name).toBe(text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
      }),
    );
  });

  it('takes no spelling of an IPv4 address for a name', () => {
    const number = fc.nat(0xffffffff);
    const spellings = [
      (value: number) => String(value),
      (value: number) => `0x${value.toString(16)}`,
      (value: number) => `0${value.toString(8)}`,
      (value: number) => `${value >>> 24}.${value & 0xffffff}`,
      (value: number) => `${value >>> 24}.${(value >>> 16) & 255}.${value & 0xffff}`,
      (value: number) => [24, 16, 8, 0].map((shift) => `0x${((value >>> shift) & 255).toString(16)}`).join('.'),
      (value: number) => [24, 16, 8, 0].map((shift) => `0${((value >>> shift) & 255).toString(8)}`).join('.'),
    ];
    fc.assert(
      fc.property(number, fc.constantFrom(...spellings), (value, spell) => {
        const result = parseWireHost(spell(value));
        expect('host' in result ? result.host.kind : 'refused').not.toBe('name');
      }),
    );
  });

  it('agrees with the URL parser about what is a name', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9.x-]{1,20}$/), (text) => {
        const result = parseWireHost(text);
        if ('host' in result) expect(new URL(`http://${text}/`).hostname).toBe(result.host.name);
      }),
    );
  });
});

describe('parseWrittenHost', () => {
  it('shows an international name and matches its punycode', () => {
    expect(parseWrittenHost('bücher.example')).toEqual({
      host: { kind: 'name', name: 'xn--bcher-kva.example', unicode: 'bücher.example' },
    });
  });

  it('warns of lookalikes', () => {
    expect(parseWrittenHost('\u0430pple.com')).toMatchObject({
      host: { name: 'xn--pple-43d.com', warning: expect.stringContaining('Cyrillic') },
    });
    expect(describeHomograph('\u0441\u0430\u0440\u0435.com')).toContain('reads as Latin');
    expect(describeHomograph('пример.рф')).toBeUndefined();
    expect(describeHomograph('日本ご.jp')).toBeUndefined();
  });
});

describe('classifyAddress', () => {
  it('sees the IPv4 address in every IPv6 form that carries one', () => {
    fc.assert(
      fc.property(fc.ipV4(), (ipv4) => {
        const parts = ipv4.split('.').map(Number);
        const high = ((parts[0] ?? 0) * 256 + (parts[1] ?? 0)).toString(16);
        const low = ((parts[2] ?? 0) * 256 + (parts[3] ?? 0)).toString(16);
        const expected = classifyAddress(ipv4);
        for (const form of [
          `::ffff:${ipv4}`,
          `::ffff:${high}:${low}`,
          `64:ff9b::${ipv4}`,
          `2002:${high}:${low}::1`,
          `::ffff:0:${ipv4}`,
        ]) {
          expect([form, classifyAddress(form)]).toEqual([form, expected]);
        }
      }),
    );
  });

  it.each([
    ['8.8.8.8', 'public'],
    ['172.32.0.1', 'public'],
    ['100.128.0.1', 'public'],
    ['2606:4700:4700::1111', 'public'],
    ['172.16.0.1', 'private'],
    ['127.255.255.255', 'loopback'],
    ['1.2.3', 'unreadable'],
    ['::1%lo', 'unreadable'],
  ])('%s is %s', (address, kind) => {
    expect(classifyAddress(address)).toBe(kind);
  });

  it('spells IPv6 as the URL parser does', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }), (words) => {
        const text = formatIpv6(words);
        expect(`[${text}]`).toBe(new URL(`http://[${words.map((word) => word.toString(16)).join(':')}]/`).hostname);
        expect(parseIpv6(text)).toEqual(words);
      }),
    );
  });
});
