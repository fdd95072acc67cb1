import { EgressError } from '../egress-error.ts';
import type { HostName } from '../policy/host-name.ts';
import type { Rules } from '../policy/rules.ts';
import type { FirstBytes } from './peek.ts';

type Tls = Extract<FirstBytes, { kind: 'tls' }>;

/** The name that a TLS connection asks for must be the one that was allowed, once and in the clear. Throws `EgressError`. */
export function vetHello({ hello }: Tls, host: HostName, rules: Rules): void {
  if (rules('tunnel:encrypted-hello') && hello.isEncrypted) {
    throw new EgressError(
      'tunnel-name',
      `the client hello to ${host.name} is encrypted, so its real name cannot be seen`,
    );
  }
  // There are no server names for addresses (RFC 6066, 3).
  if (host.kind === 'address' && hello.names.length === 0) return;
  if (rules('tunnel:one-name') && hello.names.length !== 1) {
    throw new EgressError(
      'tunnel-name',
      `the client hello to ${host.name} has ${hello.names.length} server names instead of one`,
    );
  }
  if (rules('tunnel:name-matches') && hello.names.some((name) => name.toLowerCase() !== host.name)) {
    throw new EgressError(
      'tunnel-name',
      `the tunnel is for ${host.name}, but its client hello asks for ${JSON.stringify(hello.names[0]?.slice(0, 260))}`,
    );
  }
}
