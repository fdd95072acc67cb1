import { describe, expect, it } from 'vitest';
import { buildHello } from '../attacks/hello-bytes.ts';
import { allRules } from '../policy/rules.ts';
import { readClientHello } from './client-hello.ts';
import { vetTls } from './vet-hello.ts';
import { type Hello, watchHellos } from './watch-hellos.ts';

const show = Buffer.from([20, 3, 3, 0, 1, 1]);
const second = buildHello({ names: ['allowed.test'], extraExtensions: [[0x2c, Buffer.alloc(40)]] });

function watch(): { read(chunk: Buffer): Buffer; readonly isOver: boolean; readonly names: string[] } {
  const names: string[] = [];
  const watched = watchHellos((hello) => names.push(...hello.names), 32_768);
  return Object.assign(watched, { names });
}

describe('vetTls', () => {
  const hello = buildHello({ names: ['allowed.test'] });
  const vet = (bytes: Buffer) =>
    vetTls(
      { kind: 'tls', hello: readClientHello(bytes) as Hello, bytes },
      { kind: 'name', name: 'allowed.test' },
      allRules,
    );

  it('sends on what came along with a hello, and watches when nothing did', () => {
    const early = Buffer.concat([hello, show, Buffer.from([23, 3, 3, 0, 1, 0])]);
    expect(vet(early)).toEqual({ bytes: early, watch: undefined });
    expect(vet(hello)).toMatchObject({ bytes: hello, watch: { isOver: false } });
  });

  it('keeps the beginning of what is not whole yet', () => {
    const { bytes, watch } = vet(Buffer.concat([hello, show.subarray(0, 3)]));
    expect(bytes).toEqual(hello);
    const rest = Buffer.concat([show.subarray(3), Buffer.from([23, 3, 3, 0, 1, 0])]);
    expect(watch?.read(rest)).toEqual(Buffer.concat([show, rest.subarray(3)]));
  });

  it('refuses a second hello for another server that came along', () => {
    expect(() => vet(Buffer.concat([hello, buildHello({ names: ['evil.test'] })]))).toThrow('evil.test');
  });
});

describe('watchHellos', () => {
  it.each([
    ['data', Buffer.from([23, 3, 3, 0, 5, 1, 2, 3, 4, 5])],
    ['a key exchange of TLS 1.2', Buffer.from([22, 3, 3, 0, 4, 16, 0, 0, 0])],
    ['an alert', Buffer.from([21, 3, 3, 0, 2, 2, 40])],
    ['a change of cipher and data', Buffer.concat([show, Buffer.from([23, 3, 3, 0, 1, 0])])],
  ])('lets %s go on at once and is over', (_what, bytes) => {
    const watched = watch();
    expect(watched.read(bytes)).toEqual(bytes);
    expect(watched.isOver).toBe(true);
    expect(watched.names).toEqual([]);
  });

  it.each([
    ['alone', second],
    ['behind a change of cipher', Buffer.concat([show, second])],
    ['with data behind it', Buffer.concat([second, Buffer.from([23, 3, 3, 0, 1, 0])])],
  ])('vets a second hello %s', (_what, bytes) => {
    const watched = watch();
    expect(watched.read(bytes)).toEqual(bytes);
    expect(watched.names).toEqual(['allowed.test']);
    expect(watched.isOver).toBe(true);
  });

  it('keeps every byte until a second hello is whole', () => {
    const watched = watch();
    const bytes = Buffer.concat([show, second]);
    for (const byte of bytes.subarray(0, -1)) expect(watched.read(Buffer.from([byte]))).toHaveLength(0);
    expect(watched.names).toEqual([]);
    expect(watched.read(bytes.subarray(-1))).toEqual(bytes);
    expect(watched.names).toEqual(['allowed.test']);
  });

  it('refuses one that is malformed, or that never ends', () => {
    expect(() => watch().read(Buffer.from([22, 3, 3, 0, 4, 1, 0, 0, 0]))).toThrow('second client hello is invalid');
    const endless = Buffer.concat([Buffer.from([22, 3, 3, 64, 0, 1, 255, 255, 255]), Buffer.alloc(16_380)]);
    const watched = watch();
    watched.read(endless);
    expect(() => watched.read(endless)).toThrow('over 32768 bytes');
  });
});
