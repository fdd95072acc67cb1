import { checkedCalls, firstUnknownCall, missingCalls, refusedCalls } from './syscall-numbers.ts';

export type Architecture = 'x64' | 'arm64';

/** One instruction of classic BPF: code, jump if true, jump if false, constant (linux/filter.h). */
type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, constant: number];

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const ifEqual = (value: number, jumpTrue: number, jumpFalse: number): Instruction => [0x15, jumpTrue, jumpFalse, value];
const ifAtLeast = (value: number, jumpTrue: number, jumpFalse: number): Instruction => [
  0x35,
  jumpTrue,
  jumpFalse,
  value,
];
const ifAnyBit = (bits: number, jumpTrue: number, jumpFalse: number): Instruction => [0x45, jumpTrue, jumpFalse, bits];
const answer = (value: number): Instruction => [0x06, 0, 0, value];

const allow = answer(0x7fff0000);
const kill = answer(0x80000000);
const fail = (errno: number) => answer(0x00050000 | errno);
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Offsets in `struct seccomp_data`; arguments are 64 bits wide, the lower half is looked at. */
const numberAt = 0;
const architectureAt = 4;
const argumentAt = (index: number) => 16 + 8 * index;

const auditArchitecture: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const PERSONALITY_QUERY = 0xffffffff;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const namespaceFlags = 0x7e020000;

/**
 * The system-call filter of the sandbox, as the bytes that `bwrap --seccomp` reads (an array of `struct sock_filter`).
 * It refuses namespaces, mounts, kernel programs, tracing, keys and io_uring, and every socket family but unix, IPv4,
 * IPv6 and route netlink: AF_VSOCK reaches the host of a virtual machine whatever the network namespace. Another
 * instruction set (32-bit calls, x32) ends the process. Undefined on machines it has no numbers for.
 */
export function seccompFilter(architecture: string): Uint8Array | undefined {
  if (architecture !== 'x64' && architecture !== 'arm64') return undefined;
  const column = architecture === 'x64' ? 0 : 1;
  const numbers = (calls: Readonly<Record<string, readonly [number | undefined, number | undefined]>>) =>
    Object.values(calls).flatMap((pair) => pair[column] ?? []);
  const program: Instruction[] = [
    load(architectureAt),
    ifEqual(auditArchitecture[architecture], 1, 0),
    kill,
    load(numberAt),
    ...(architecture === 'x64' ? [ifAtLeast(0x40000000, 0, 1), kill] : []),
    ifAtLeast(firstUnknownCall, 0, 1),
    fail(ENOSYS),
    ...numbers(missingCalls).flatMap((number) => [ifEqual(number, 0, 1), fail(ENOSYS)]),
    ...refuse(numbers(refusedCalls)),
    ...argumentChecks(column),
    allow,
  ];
  return encode(program);
}

/**
 * Groups in ascending order, each passed over at once by a larger number: the kernel runs the filter once for every call
 * there is when it loads it, so a long straight list costs each command 0.3 ms.
 */
function refuse(numbers: readonly number[]): Instruction[] {
  const sorted = [...numbers].sort((left, right) => left - right);
  const program: Instruction[] = [];
  for (let start = 0; start < sorted.length; start += groupSize) {
    const group = sorted.slice(start, start + groupSize);
    program.push(ifAtLeast((group.at(-1) ?? 0) + 1, group.length + 2, 0));
    for (const [index, number] of group.entries()) program.push(ifEqual(number, group.length - index, 0));
    program.push(ifAtLeast(0, 1, 0), fail(EPERM));
  }
  return program;
}

const groupSize = 8;

/** Each block runs only for its own call and always answers, so the number need not be loaded again. */
function argumentChecks(column: 0 | 1): Instruction[] {
  const blocks: readonly (readonly [number, readonly Instruction[]])[] = [
    [checkedCalls.clone[column], [load(argumentAt(0)), ifAnyBit(namespaceFlags, 0, 1), fail(EPERM), allow]],
    [
      checkedCalls.socket[column],
      [
        load(argumentAt(0)),
        ifEqual(AF_UNIX, 6, 0),
        ifEqual(AF_INET, 5, 0),
        ifEqual(AF_INET6, 4, 0),
        ifEqual(AF_NETLINK, 0, 2),
        load(argumentAt(2)),
        ifEqual(0, 1, 0),
        fail(EAFNOSUPPORT),
        allow,
      ],
    ],
    [checkedCalls.socketpair[column], [load(argumentAt(0)), ifEqual(AF_UNIX, 1, 0), fail(EAFNOSUPPORT), allow]],
    [
      checkedCalls.personality[column],
      [load(argumentAt(0)), ifEqual(0, 2, 0), ifEqual(PERSONALITY_QUERY, 1, 0), fail(EPERM), allow],
    ],
    [
      checkedCalls.ioctl[column],
      [load(argumentAt(1)), ifEqual(TIOCSTI, 1, 0), ifEqual(TIOCLINUX, 0, 1), fail(EPERM), allow],
    ],
  ];
  return blocks.flatMap(([number, block]) => [ifEqual(number, 0, block.length), ...block]);
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, jumpTrue, jumpFalse, constant]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(constant >>> 0, index * 8 + 4);
  }
  return bytes;
}
