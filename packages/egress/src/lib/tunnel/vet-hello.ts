import { EgressError } from '../egress-error.ts';
import type { HostName } from '../policy/host-name.ts';
import type { Rules } from '../policy/rules.ts';
import type { FirstBytes } from './peek.ts';
import { type Hello, type HelloWatch, watchHellos } from './watch-hellos.ts';

/** Real ones have two kilobytes at most. */
export const maxHelloBytes = 32_768;

type Tls = Extract<FirstBytes, { kind: 'tls' }>;

export interface VettedTls {
  /** What may go on at once. */
  readonly bytes: Buffer;
  /** Reads what follows; undefined when nothing in the clear can. */
  readonly watch: HelloWatch | undefined;
}

/** Vets the hello of a TLS connection, and what came along with it. Throws `EgressError`. */
export function vetTls({ hello, bytes }: Tls, host: HostName, rules: Rules): VettedTls {
  vetHello(hello, host, rules);
  if (!rules('tunnel:second-hello')) return { bytes, watch: undefined };
  const watch = watchHellos((second) => vetHello(second, host, rules), maxHelloBytes);
  if (bytes.length === hello.size) return { bytes, watch };
  // The watch lets go of all of it or, when its end is still to come, of nothing.
  const passed = watch.read(bytes.subarray(hello.size));
  const now = passed.length > 0 ? bytes : bytes.subarray(0, hello.size);
  return { bytes: now, watch: watch.isOver ? undefined : watch };
}

/** The name that a TLS connection asks for must be the one that was allowed, once and in the clear. Throws `EgressError`. */
function vetHello(hello: Hello, host: HostName, rules: Rules): void {
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
