/** Where a request line points to, cut apart without decoding or repairing anything. */
export interface Authority {
  readonly hostText: string;
  readonly port: number;
  /** As it was written. */
  readonly text?: string;
}

export interface AbsoluteTarget extends Authority {
  /** Path and query, starting with `/`. */
  readonly path: string;
}

/** `host:port` with a decimal port from 1 to 65535 without leading zeros; undefined for anything else. */
export function parseAuthority(text: string, defaultPort?: number): Authority | undefined {
  // Nearly always it is a plain name with its port.
  const colon = text.indexOf(':');
  if (colon > 0 && plainAuthority.test(text))
    return toAuthority(text.slice(0, colon), Number(text.slice(colon + 1)), text);
  const match = /^(\[[0-9A-Fa-f:.]*\]|[^\s:/?#@\\[\]]*)(?::([1-9]\d{0,4}))?$/.exec(text);
  if (match === null) return undefined;
  const port = match[2] === undefined ? defaultPort : Number(match[2]);
  return port === undefined ? undefined : toAuthority(match[1] ?? '', port, text);
}

const plainAuthority = /^[a-z0-9.-]+:[1-9]\d{0,4}$/;

function toAuthority(hostText: string, port: number, text: string): Authority | undefined {
  return port > 65_535 ? undefined : { hostText, port, text };
}

/** The target of a request to a proxy: `http://host[:port]/path`. User information and other schemes are refused (RFC 9112, 3.2.2). */
export function parseAbsoluteTarget(text: string): AbsoluteTarget | undefined {
  const match = /^http:\/\/([^/?#]*)(.*)$/is.exec(text);
  const authority = match === null ? undefined : parseAuthority(match[1] ?? '', 80);
  if (authority === undefined) return undefined;
  const rest = match?.[2] ?? '';
  return { ...authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** A path or query as it may be forwarded: visible ASCII without a fragment. */
export function isCleanPath(path: string): boolean {
  return /^\/[!"$-~]*$/.test(path);
}
