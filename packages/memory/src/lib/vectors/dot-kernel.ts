import { type Code, encodeModule, op, valueType } from './wasm-encoder.ts';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

/**
 * Writes the dot product of `query` with each row to `out`. A row is numbers of 4 bits without sign, in packets of 16 bytes: first 16 numbers in
 * the low halves, then 16 in the high halves. All pointers are byte offsets, 16-aligned.
 */
export type DotFunction = (rows: number, end: number, query: number, queryEnd: number, out: number) => void;

export interface DotKernel {
  readonly run: DotFunction;
  /** Bytes of one number of the query: 1 with relaxed SIMD, else 2. */
  readonly queryBytes: 1 | 2;
}

export type KernelFactory = (memory: WasmMemory, rowBytes: number) => DotKernel;

const packetBytes = 16;
const numbersInPacket = 32;
/** Packets without a jump between them. */
const mostUnrolled = 16;

/** Parameters: first row, end of the rows, query, end of the query, where results go. Locals: query pointer, two sums, 16 bytes, 16 numbers. */
const local = {
  row: 0,
  end: 1,
  query: 2,
  queryEnd: 3,
  out: 4,
  at: 5,
  first: 6,
  second: 7,
  packet: 8,
  part: 9,
} as const;

/** The packet on the stack and in its local, then its halves: `add` gets what leaves 16 numbers on the stack and where their query is. */
const halves = (at: number, add: (numbers: Code, query: number, sum: number) => Code): Code => [
  op.get(local.row),
  op.load128(at * packetBytes),
  op.set(local.packet),
  add([op.get(local.packet), op.const128(0x0f), op.and128], at * numbersInPacket, local.first),
  add(
    [op.get(local.packet), op.i32(4), op.shiftRight16, op.const128(0x0f), op.and128],
    at * numbersInPacket + 16,
    local.second,
  ),
];

/** sum += dot(query, numbers), bytes with bytes. */
const relaxedPacket = (at: number): Code =>
  halves(at, (numbers, query, sum) => [
    op.get(local.at),
    op.load128(query),
    numbers,
    op.get(sum),
    op.dotBytesAdd,
    op.set(sum),
  ]);

/** The same with everything widened to 16 bits. */
const widePacket = (at: number): Code =>
  halves(at, (numbers, query, sum) => [
    numbers,
    op.tee(local.part),
    op.extendLow8,
    op.get(local.at),
    op.load128(query * 2),
    op.dot16,
    op.get(local.part),
    op.extendHigh8,
    op.get(local.at),
    op.load128(query * 2 + 16),
    op.dot16,
    op.add32x4,
    op.get(sum),
    op.add32x4,
    op.set(sum),
  ]);

const sumLanes: Code = [
  op.get(local.first),
  op.get(local.second),
  op.add32x4,
  op.tee(local.first),
  op.lane32(0),
  ...[1, 2, 3].map((lane): Code => [op.get(local.first), op.lane32(lane), op.add]),
];

const move = (pointer: number, bytes: number): Code => [op.get(pointer), op.i32(bytes), op.add, op.set(pointer)];

function eachRow(packet: (at: number) => Code, unrolled: number, queryBytes: number): Code {
  return [
    op.const128(0),
    op.set(local.first),
    op.const128(0),
    op.set(local.second),
    op.get(local.query),
    op.set(local.at),
    op.loop([
      Array.from({ length: unrolled }, (_none, at) => packet(at)),
      move(local.row, unrolled * packetBytes),
      move(local.at, unrolled * numbersInPacket * queryBytes),
      op.get(local.at),
      op.get(local.queryEnd),
      op.lessThan,
      op.branchIf(0),
    ]),
    op.get(local.out),
    sumLanes,
    op.store32(0),
    move(local.out, 4),
    op.get(local.row),
    op.get(local.end),
    op.lessThan,
    op.branchIf(0),
  ];
}

/**
 * The kernel over a memory for rows of `rowBytes` (a multiple of 16). Compiles in about a millisecond. Relaxed SIMD multiplies bytes directly;
 * its results do not depend on the machine here, since a number of 4 bits never has the eighth bit set and no sum of two products is cut.
 */
export const createDotKernel: KernelFactory = (memory, rowBytes) => {
  const relaxed = build(rowBytes, relaxedPacket, 1);
  return webAssembly().validate(relaxed)
    ? { run: instantiate(relaxed, memory), queryBytes: 1 }
    : createWideKernel(memory, rowBytes);
};

/** The one for engines without relaxed SIMD. */
export const createWideKernel: KernelFactory = (memory, rowBytes) => ({
  run: instantiate(build(rowBytes, widePacket, 2), memory),
  queryBytes: 2,
});

function build(rowBytes: number, packet: (at: number) => Code, queryBytes: number): Uint8Array<ArrayBuffer> {
  const { i32, v128 } = valueType;
  return encodeModule({
    name: 'dot',
    parameters: [i32, i32, i32, i32, i32],
    locals: [i32, v128, v128, v128, v128],
    body: op.loop(eachRow(packet, largestDivisor(rowBytes / packetBytes), queryBytes)),
  });
}

function largestDivisor(packets: number): number {
  for (let divisor = Math.min(packets, mostUnrolled); divisor > 1; divisor -= 1)
    if (packets % divisor === 0) return divisor;
  return 1;
}

function instantiate(code: Uint8Array<ArrayBuffer>, memory: WasmMemory): DotFunction {
  const { Module, Instance } = webAssembly();
  return new Instance(new Module(code), { env: { memory } }).exports.dot as DotFunction;
}
