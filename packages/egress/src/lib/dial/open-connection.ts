import { isIP, type Socket } from 'node:net';
import { createDeadlines } from '../deadlines.ts';
import { classifyAddress } from '../policy/address.ts';
import type { HostName } from '../policy/host-name.ts';
import type { Rules } from '../policy/rules.ts';
import { dialVetted } from './dial.ts';
import { type Lookup, resolveAll } from './lookup.ts';
import { openThrough, type UpstreamProxy } from './upstream-proxy.ts';
import { type PrivateAddresses, vetAddresses } from './vet.ts';

export interface OpenDeps {
  readonly lookup: Lookup;
  readonly allowPrivate: PrivateAddresses;
  readonly upstreamProxy: UpstreamProxy | undefined;
  readonly rules: Rules;
  readonly lookupTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

interface Target {
  readonly host: HostName;
  readonly port: number;
}

/** Opens connections to admitted destinations. Rejects with `EgressError`. */
export type OpenConnection = (target: Target, signal?: AbortSignal) => Promise<Socket>;

/** DNS once, every answer vetted, and the vetted literal dialled, directly or through the proxy of the operator. */
export function createOpener(deps: OpenDeps): OpenConnection {
  const { upstreamProxy: proxy, connectTimeoutMs } = deps;
  const deadlines = createDeadlines();
  const resolve = (host: string, signal: AbortSignal | undefined): Promise<readonly string[]> =>
    resolveAll(host, { lookup: deps.lookup, timeoutMs: deps.lookupTimeoutMs, deadlines, signal });
  const dial = (host: string, port: number, addresses: readonly string[], signal: AbortSignal | undefined) =>
    dialVetted({ host, port, addresses, timeoutMs: connectTimeoutMs, deadlines, signal });
  const dialThrough = async (way: UpstreamProxy, to: { host: string; port: number }, signal?: AbortSignal) => {
    const addresses = isIP(way.host) > 0 ? [way.host] : await resolve(way.host, signal);
    const socket = await dial(way.host, way.port, addresses, signal);
    const callOff = deadlines.after(connectTimeoutMs, () => socket.destroy());
    return openThrough(socket, way, to).finally(callOff);
  };
  return async ({ host, port }, signal) => {
    const isLiteral = host.kind === 'address' || host.name === 'localhost';
    if (proxy?.isOnlyWay && isLiteral) return dialThrough(proxy, { host: host.name, port }, signal);
    // An address or `localhost` passed the allowlist with its exact port, which is the operator's permission.
    if (host.kind === 'address') return dial(host.name, port, [host.name], signal);
    if (host.name === 'localhost') return dial(host.name, port, ['127.0.0.1', '::1'], signal);
    if (proxy?.resolvesNames) return dialThrough(proxy, { host: host.name, port }, signal);
    const found = await resolve(host.name, signal);
    const { allowPrivate, rules } = deps;
    const addresses = vetAddresses({ host: host.name, port, addresses: found, allowPrivate, rules });
    const [first = ''] = addresses;
    // What the operator listed as private is on this side of the proxy, unless this side has nothing.
    const isNear = classifyAddress(first) !== 'public' && !proxy?.isOnlyWay;
    if (proxy === undefined || isNear) return dial(host.name, port, addresses, signal);
    return dialThrough(proxy, { host: first, port }, signal);
  };
}
