/** What kind of network an address belongs to. Everything but `public` is a hard denial. */
export type AddressClass =
  | 'public'
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'cgnat'
  | 'metadata'
  | 'multicast'
  | 'reserved'
  | 'unreadable';

type Range = readonly [base: string, bits: number, kind: Exclude<AddressClass, 'public' | 'unreadable'>];

// IANA special-purpose registries (RFC 6890 and updates). Metadata services first, since they lie inside other ranges.
const ipv4Ranges: readonly Range[] = [
  ['169.254.169.254', 32, 'metadata'],
  ['168.63.129.16', 32, 'metadata'],
  ['100.100.100.200', 32, 'metadata'],
  ['192.0.0.192', 32, 'metadata'],
  ['0.0.0.0', 8, 'unspecified'],
  ['127.0.0.0', 8, 'loopback'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['169.254.0.0', 16, 'link-local'],
  ['100.64.0.0', 10, 'cgnat'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['198.18.0.0', 15, 'reserved'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
];

const ipv6Ranges: readonly Range[] = [
  ['fd00:ec2::254', 128, 'metadata'],
  ['fd20:ce::254', 128, 'metadata'],
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'private'],
  ['ff00::', 8, 'multicast'],
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'reserved'],
  ['3fff::', 20, 'reserved'],
];

const ipv4Table = ipv4Ranges.map(([base, bits, kind]) => ({ base: parseIpv4(base) ?? 0, mask: maskOf(bits), kind }));
const ipv6Table = ipv6Ranges.map(([base, bits, kind]) => ({ words: parseIpv6(base) ?? [], bits, kind }));

/** Dotted decimal without leading zeros, as an unsigned number; undefined for any other spelling. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if ((part.length > 1 && part.startsWith('0')) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The eight 16-bit words of an IPv6 address without zone; undefined when it is none. */
export function parseIpv6(text: string): readonly number[] | undefined {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text)) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = readWords(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? readWords(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The shortest spelling, lower case (RFC 5952). */
export function formatIpv6(words: readonly number[]): string {
  const text = words.map((word) => word.toString(16)).join(':');
  const runs = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].sort((left, right) => right[0].length - left[0].length);
  const longest = runs[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

/** Classifies what a resolver answered. An IPv6 address that carries an IPv4 one is what the carried one is. */
export function classifyAddress(text: string): AddressClass {
  const known = classes.get(text);
  if (known !== undefined) return known;
  const kind = classify(text);
  if (classes.size >= 1_000) classes.clear();
  classes.set(text, kind);
  return kind;
}

// A pure function of its text, asked for the same few addresses at every connection.
const classes = new Map<string, AddressClass>();

function classify(text: string): AddressClass {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return classifyIpv4(ipv4);
  const words = parseIpv6(text);
  return words === undefined ? 'unreadable' : classifyIpv6(words);
}

function classifyIpv4(value: number): AddressClass {
  for (const range of ipv4Table) if ((value & range.mask) >>> 0 === range.base) return range.kind;
  return 'public';
}

function classifyIpv6(words: readonly number[]): AddressClass {
  for (const range of ipv6Table) if (hasPrefix(words, range.words, range.bits)) return range.kind;
  const carried = carriedIpv4(words);
  if (carried !== undefined) return classifyIpv4(carried);
  // Only 2000::/3 is routed in public.
  return ((words[0] ?? 0) & 0xe000) === 0x2000 ? 'public' : 'reserved';
}

/** Mapped, compatible and translated addresses (RFC 4291, 2765, 6052), 6to4 (RFC 3056) and ISATAP (RFC 5214). */
function carriedIpv4(words: readonly number[]): number | undefined {
  const last = pair(words[6], words[7]);
  const leadingZeros = words.findIndex((word) => word !== 0);
  if (leadingZeros >= 6) return last;
  if (leadingZeros === 5 && words[5] === 0xffff) return last;
  if (leadingZeros === 4 && words[4] === 0xffff && words[5] === 0) return last;
  if (words[0] === 0x64 && words[1] === 0xff9b && words.slice(2, 6).every((word) => word === 0)) return last;
  if (words[0] === 0x2002) return pair(words[1], words[2]);
  if (((words[4] ?? 0) & 0xfdff) === 0 && words[5] === 0x5efe) return last;
  return undefined;
}

function readWords(text: string, mayEndInIpv4: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const words: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const ipv4 = part.includes('.') && mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) words.push(ipv4 >>> 16, ipv4 & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) words.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return words;
}

function hasPrefix(words: readonly number[], prefix: readonly number[], bits: number): boolean {
  for (let index = 0; index * 16 < bits; index += 1) {
    const mask = (0xffff << Math.max(0, (index + 1) * 16 - bits)) & 0xffff;
    if (((words[index] ?? 0) & mask) !== ((prefix[index] ?? 0) & mask)) return false;
  }
  return true;
}

function pair(high = 0, low = 0): number {
  return high * 65536 + low;
}

function maskOf(bits: number): number {
  return (0xffffffff << (32 - bits)) >>> 0;
}
