import type { RuleName } from '../policy/rules.ts';

/** An attempt to get out. `run` throws when it worked, or when it was stopped by something else than the rule it is about. */
export interface Attack {
  /** What it tries. */
  readonly name: string;
  /** The check that has to stop it. */
  readonly rule: RuleName;
  run(world: AttackWorld): Promise<void>;
}

/** What came back on a connection, until it was closed or fell silent. */
export interface Reply {
  readonly status: number | undefined;
  /** The word in `x-genie-egress`. */
  readonly reason: string | undefined;
  readonly text: string;
  readonly isClosed: boolean;
}

/** A place with an allowed server, a forbidden one, and a filter between them and the attacker. */
export interface AttackWorld {
  /** Ports: `allowed` and `tls` may be reached by allowed names, `victim` resolves privately, `closed` is on no list. */
  readonly ports: { readonly allowed: number; readonly tls: number; readonly victim: number; readonly closed: number };
  /** Sends bytes to the proxy and collects the reply. */
  send(bytes: string | Uint8Array, options?: SendOptions): Promise<Reply>;
  /** Opens a tunnel, then sends bytes through it. The reply is what came after the answer to CONNECT. */
  tunnel(authority: string, bytes: string | Uint8Array | readonly Uint8Array[], options?: SendOptions): Promise<Reply>;
  /** The reason for which the in-process fetch refused, or `status <n>`. */
  fetch(url: string, init?: RequestInit): Promise<string>;
  /** From now on the resolver answers this; a list of lists answers one after the other. */
  resolveTo(answers: readonly string[] | readonly (readonly string[])[]): void;
  /** Names that were asked for. */
  readonly lookups: readonly string[];
  /** Requests that arrived somewhere, as `server method path`. */
  readonly arrived: readonly {
    readonly at: string;
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly body: string;
  }[];
  /** Connections to the server that nobody may reach. */
  victimConnections(): number;
  /** Connections of any server. */
  connections(): number;
  /** Bytes that the TLS server got. */
  tlsBytes(): number;
}

export interface SendOptions {
  /** How long silence is waited out. Default 400. */
  readonly quietMs?: number;
  /** Sent in steps with this pause. */
  readonly pauseMs?: number;
  readonly proxyAuthorization?: string;
  /** Puts the password into every request of a pipeline instead of the first one only. */
  readonly everyRequest?: boolean;
}
