import type { Approvals } from '@genie/core/ports';
import { openAudit } from '../audit/open-audit.ts';
import { createEgress, type Egress } from '../create-egress.ts';
import { createResolverLookup } from '../dial/lookup.ts';
import type { UpstreamProxyOptions } from '../dial/upstream-proxy.ts';
import type { AllowEntry } from '../policy/allow-entry.ts';
import { type ProxyServer, startProxy } from './start-proxy.ts';

/** The flags of `genie egress`, as values. */
export interface StandaloneProxyOptions {
  /** `--host`. Default `127.0.0.1`. */
  readonly host?: string;
  /** `--port`. Default 0: any free port. */
  readonly port?: number;
  /** `--auth user:password`. */
  readonly auth?: string;
  /** `--socket`: a unix socket instead of host and port. */
  readonly socket?: string;
  /** `--allow`, repeated. */
  readonly allow: readonly AllowEntry[];
  /** `--allow-port`, repeated: replaces 443 and 80. */
  readonly allowPorts?: readonly number[];
  /** `--allow-private ip:port`, repeated. */
  readonly allowPrivate?: readonly string[];
  /** `--resolver ip:port`. Default: the operating system. */
  readonly resolver?: string;
  /** `--upstream`: a proxy that everything goes on through. */
  readonly upstreamProxy?: UpstreamProxyOptions;
  /** `--audit`: folder of the audit log. Default: none. */
  readonly auditDir?: string;
  /** Asked about unknown destinations. Without it they are denied. */
  readonly approvals?: Approvals;
  /** `--hold`: how long a request waits for the user. Default 0. */
  readonly holdMs?: number;
  readonly genieId?: string;
}

export interface StandaloneProxy extends ProxyServer {
  readonly egress: Egress;
}

/** A forward proxy alone: the filter, its proxy and its log, opened and closed together. Errors as of {@link startProxy}. */
export async function startStandaloneProxy(options: StandaloneProxyOptions): Promise<StandaloneProxy> {
  const { host, port, auth, socket, approvals, holdMs, genieId } = options;
  const egress = createEgress({
    allow: options.allow,
    ...(options.allowPorts === undefined || options.allowPorts.length === 0 ? {} : { ports: options.allowPorts }),
    ...(options.allowPrivate === undefined ? {} : { allowPrivate: options.allowPrivate }),
    ...(options.resolver === undefined ? {} : { lookup: createResolverLookup(options.resolver) }),
    ...(options.upstreamProxy === undefined ? {} : { upstreamProxy: options.upstreamProxy }),
    ...(approvals === undefined ? {} : { approvals }),
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(genieId === undefined ? {} : { genieId }),
    ...(options.auditDir === undefined ? {} : { audit: openAudit({ dir: options.auditDir }) }),
  });
  try {
    const proxy = await startProxy(egress, {
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(auth === undefined ? {} : { auth }),
      ...(socket === undefined ? {} : { socket }),
    });
    return {
      ...proxy,
      egress,
      async close() {
        await proxy.close();
        await egress.close();
      },
    };
  } catch (error) {
    await egress.close();
    throw error;
  }
}
