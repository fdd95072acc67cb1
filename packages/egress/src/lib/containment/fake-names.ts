import { parseIpv4 } from '../policy/address.ts';
import { parseWireHost } from '../policy/host-name.ts';
import { readQuestion, typeA, writeAnswer } from './dns-message.ts';

// 198.18.0.0/15 is set aside for benchmarks (RFC 2544), so nothing real has these addresses. The first is left out, and of the
// 131,070 others as many are used as programs ask for at one time: names cost memory, and a program may ask for any number.
const base = parseIpv4('198.18.0.0') ?? 0;

/** Stands in for DNS: gives every name an address of its own, and knows the name when somebody connects there. */
export interface FakeNames {
  /** The answer to a DNS query; undefined when it is not readable and deserves none. */
  answer(query: Uint8Array): Buffer | undefined;
  /** The name behind an address that was given out. */
  nameOf(address: string): string | undefined;
}

/** Nothing is asked anywhere: a query for a name says nothing about whether it may be reached, and it leaks nothing. */
export function createFakeNames(maxNames = 16_384): FakeNames {
  const addressByName = new Map<string, number>();
  const nameByAddress = new Map<number, string>();
  let next = 0;
  const assign = (name: string): number => {
    const known = addressByName.get(name);
    if (known !== undefined) return known;
    next = (next % maxNames) + 1;
    const address = base + next;
    const previous = nameByAddress.get(address);
    if (previous !== undefined) addressByName.delete(previous);
    addressByName.set(name, address);
    nameByAddress.set(address, name);
    return address;
  };
  return {
    answer(query) {
      const question = readQuestion(query);
      if (question === undefined) return undefined;
      const parsed = parseWireHost(question.name);
      if (!('host' in parsed) || parsed.host.kind !== 'name') return writeAnswer(question, 'noName');
      if (question.type !== typeA) return writeAnswer(question, 'noData');
      return writeAnswer(question, { address: assign(parsed.host.name) });
    },
    nameOf: (address) => nameByAddress.get(parseIpv4(address.replace(/^::ffff:/, '')) ?? -1),
  };
}
