/**
 * Enough of the WebAssembly binary format (https://webassembly.github.io/spec/core/binary/) to write one small module by hand, so that no
 * binary file lies in the repository.
 */

export type Code = readonly (number | Code)[];

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

export const valueType = { i32: 0x7f, v128: 0x7b } as const;

const simd = (opcode: number, ...immediates: readonly number[]): Code => [0xfd, ...unsigned(opcode), ...immediates];

export const op = {
  get: (local: number): Code => [0x20, ...unsigned(local)],
  set: (local: number): Code => [0x21, ...unsigned(local)],
  tee: (local: number): Code => [0x22, ...unsigned(local)],
  i32: (value: number): Code => [0x41, ...signed(value)],
  add: [0x6a] as Code,
  lessThan: [0x49] as Code,
  store32: (offset: number): Code => [0x36, 2, ...unsigned(offset)],
  branchIf: (depth: number): Code => [0x0d, ...unsigned(depth)],
  loop: (body: Code): Code => [0x03, 0x40, body, 0x0b],
  const128: (byte: number): Code => simd(0x0c, ...Array<number>(16).fill(byte)),
  load128: (offset: number): Code => simd(0x00, 4, ...unsigned(offset)),
  and128: simd(0x4e),
  shiftRight16: simd(0x8d),
  /** Eight unsigned bytes as int16. */
  extendLow8: simd(0x89),
  extendHigh8: simd(0x8a),
  add32x4: simd(0xae),
  dot16: simd(0xba),
  /** A sum + the products of signed bytes with bytes of 7 bits, four neighbours a lane (relaxed SIMD). */
  dotBytesAdd: simd(0x113),
  lane32: (lane: number): Code => simd(0x1b, lane),
} as const;

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly number[];
  readonly locals: readonly number[];
  readonly body: Code;
}

/** A module with one exported function without results, working on memory imported as `env.memory`. */
export function encodeModule({ name, parameters, locals, body }: WasmFunction): Uint8Array<ArrayBuffer> {
  const code = [...unsigned(locals.length), ...locals.flatMap((type) => [1, type]), ...flatten(body), 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, ...unsigned(parameters.length), ...parameters, 0]),
    ...section(2, [1, ...text('env'), ...text('memory'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text(name), 0x00, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsigned(bytes.length), ...bytes];
}

function flatten(code: Code): number[] {
  return code.flatMap((part) => (typeof part === 'number' ? [part] : flatten(part)));
}
