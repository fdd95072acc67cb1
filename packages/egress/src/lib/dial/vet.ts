import { GenieError } from '@genie/core/errors';
import { EgressError } from '../egress-error.ts';
import { classifyAddress, formatIpv6, parseIpv6 } from '../policy/address.ts';
import { splitPort } from '../policy/allow-entry.ts';
import { parseAuthorityHost } from '../policy/host-name.ts';
import type { Rules } from '../policy/rules.ts';

/** The ports by address, like 8080 of `127.0.0.1`, that names may resolve to although they are not public. */
export type PrivateAddresses = ReadonlyMap<string, ReadonlySet<number>>;

/** Parses `ip:port` texts. Throws `GENIE_EGRESS_OPTIONS` for a range, a name or a missing port. */
export function parsePrivateAddresses(texts: readonly string[]): PrivateAddresses {
  const portsByAddress = new Map<string, Set<number>>();
  for (const text of texts) {
    const { hostText, port } = splitPort(text);
    const result = parseAuthorityHost(hostText);
    if (port === undefined || !('host' in result) || result.host.kind !== 'address') {
      throw new GenieError(
        'GENIE_EGRESS_OPTIONS',
        `allowPrivate: "${text}" is refused. Write one exact address and port, e.g. "127.0.0.1:8080" or "[::1]:8080"`,
      );
    }
    const ports = portsByAddress.get(result.host.name) ?? new Set();
    portsByAddress.set(result.host.name, ports.add(port));
  }
  return portsByAddress;
}

export interface VetRequest {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  readonly allowPrivate: PrivateAddresses;
  readonly rules: Rules;
}

/** Returns the addresses when every one of them may be dialled; one bad answer refuses them all. Throws `EgressError`. */
export function vetAddresses(request: VetRequest): readonly string[] {
  const { host, port, addresses, rules } = request;
  if (addresses.length === 0) throw new EgressError('name-not-found', `${host} has no address`, { host, port });
  const some = addresses.find((address) => !isDialable(address, request));
  if (some === undefined) return addresses;
  const dialable = rules('address:all-answers') ? [] : addresses.filter((address) => isDialable(address, request));
  if (dialable.length > 0) return dialable;
  const message = `${host} resolves to ${some}, which is ${classifyAddress(some)}; only the operator can allow this exact address and port`;
  throw new EgressError('address', message, { host, port });
}

function isDialable(address: string, request: VetRequest): boolean {
  const kind = classifyAddress(address);
  if (kind === 'public' || isListed(address, request)) return true;
  return !request.rules(`address:${kind}`);
}

function isListed(address: string, { allowPrivate, port }: VetRequest): boolean {
  if (allowPrivate.size === 0) return false;
  const words = address.includes(':') ? parseIpv6(address) : undefined;
  return allowPrivate.get(words === undefined ? address : formatIpv6(words))?.has(port) === true;
}
