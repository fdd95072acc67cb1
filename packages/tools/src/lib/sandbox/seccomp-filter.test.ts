import { describe, expect, it } from 'vitest';
import { type Architecture, seccompFilter } from './seccomp-filter.ts';
import { checkedCalls, missingCalls, refusedCalls } from './syscall-numbers.ts';

interface Call {
  readonly architecture: number;
  readonly number: number;
  readonly values?: readonly number[];
}

/** Runs the filter as the kernel would: classic BPF over `struct seccomp_data`. */
function decide(filter: Uint8Array, { architecture, number, values = [] }: Call): string {
  const program = Buffer.from(filter);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(architecture, 4);
  for (const [index, value] of values.entries())
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at * 8 < program.length; at += 1) {
    const [code, yes, no, constant] = [
      program.readUInt16LE(at * 8),
      program[at * 8 + 2]!,
      program[at * 8 + 3]!,
      program.readUInt32LE(at * 8 + 4),
    ];
    if (code === 0x20) accumulator = data.readUInt32LE(constant);
    else if (code === 0x15) at += accumulator === constant ? yes : no;
    else if (code === 0x35) at += accumulator >= constant ? yes : no;
    else if (code === 0x45) at += (accumulator & constant) !== 0 ? yes : no;
    else if (code === 0x06)
      return constant === 0x7fff0000 ? 'allow' : constant === 0x80000000 ? 'kill' : `errno ${constant & 0xffff}`;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('the program ran off its end');
}

describe.each([
  ['x64', 0xc000003e, 0],
  ['arm64', 0xc00000b7, 1],
] as const)('seccompFilter for %s', (name: Architecture, architecture, column) => {
  const filter = seccompFilter(name)!;
  const ask = (number: number, ...values: number[]) => decide(filter, { architecture, number, values });
  const number = (call: keyof typeof checkedCalls) => checkedCalls[call][column];
  const listed = (calls: Readonly<Record<string, readonly [number | undefined, number | undefined]>>) =>
    Object.entries(calls).flatMap(([call, pair]) =>
      pair[column] === undefined ? [] : [[call, pair[column]] as const],
    );

  it('refuses every call of the list, and says that some do not exist', () => {
    for (const [call, value] of listed(refusedCalls)) expect(ask(value), call).toBe('errno 1');
    for (const [call, value] of listed(missingCalls)) expect(ask(value), call).toBe('errno 38');
    for (const value of [463, 470, 1000, 0x3fffffff]) expect(ask(value)).toBe('errno 38');
  });

  it('allows everything else', () => {
    const special = new Set([...listed(refusedCalls), ...listed(missingCalls)].map(([, value]) => value));
    for (const call of Object.values(checkedCalls)) special.add(call[column]);
    for (let value = 0; value < 463; value += 1)
      if (!special.has(value)) expect(ask(value), String(value)).toBe('allow');
  });

  it('ends a process that uses another instruction set', () => {
    expect(decide(filter, { architecture: 0x40000003, number: 1 })).toBe('kill');
    if (name === 'x64') expect(ask(0x40000000 + 39)).toBe('kill');
  });

  it('looks at arguments', () => {
    expect(ask(number('clone'), 17)).toBe('allow');
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
      expect(ask(number('clone'), flag | 17)).toBe('errno 1');
    for (const family of [1, 2, 10]) expect(ask(number('socket'), family, 1, 0)).toBe('allow');
    expect(ask(number('socket'), 16, 3, 0)).toBe('allow');
    for (const protocol of [9, 12, 15]) expect(ask(number('socket'), 16, 3, protocol)).toBe('errno 97');
    for (const family of [0, 3, 17, 31, 38, 40, 44]) expect(ask(number('socket'), family, 1, 0)).toBe('errno 97');
    expect(ask(number('socketpair'), 1, 1, 0)).toBe('allow');
    expect(ask(number('socketpair'), 40, 1, 0)).toBe('errno 97');
    expect(ask(number('personality'), 0)).toBe('allow');
    expect(ask(number('personality'), 0xffffffff)).toBe('allow');
    expect(ask(number('personality'), 0x0040000)).toBe('errno 1');
    expect(ask(number('ioctl'), 0, 0x5401)).toBe('allow');
    for (const request of [0x5412, 0x541c]) expect(ask(number('ioctl'), 0, request)).toBe('errno 1');
  });
});

describe('seccompFilter', () => {
  it('is undefined for a processor it has no numbers for', () => {
    expect(seccompFilter('riscv64')).toBeUndefined();
  });
});
