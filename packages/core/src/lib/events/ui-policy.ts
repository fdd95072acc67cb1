import { GenieError } from '../genie-error.ts';

/**
 * The Content-Security-Policy of every user interface of a genie (https://www.w3.org/TR/CSP3/): code only from its own
 * origin, no plug-ins, no frames around it, connections only home and to the given origins (e.g. `wss://genie.example`).
 *
 * Throws `GENIE_CHANNEL_OPTIONS` for an origin that is none, so that nobody smuggles a directive in.
 */
export function contentSecurityPolicy(options: { readonly connect?: readonly string[] } = {}): string {
  const connect = ["'self'", ...(options.connect ?? []).map(exactOrigin)].join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src ${connect}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/**
 * The navigation guard: whether a window that shows `home` may go to `target`. Same origin only; a page from a file may go
 * to files of its own folder and below. Everything else belongs into the system's browser.
 */
export function isNavigationAllowed(target: string, home: string): boolean {
  if (!URL.canParse(target) || !URL.canParse(home)) return false;
  const to = new URL(target);
  const from = new URL(home);
  if (to.username !== '' || to.password !== '') return false;
  if (from.protocol === 'file:') {
    const folder = from.pathname.slice(0, from.pathname.lastIndexOf('/') + 1);
    return to.protocol === 'file:' && to.host === from.host && isBelow(to.pathname, folder);
  }
  if (from.protocol !== 'https:' && from.protocol !== 'http:') return false;
  return to.origin === from.origin;
}

/** The permission guard: of what a browser engine can be asked for, a genie needs notifications only. */
export function isPermissionAllowed(permission: string): boolean {
  return permission === 'notifications';
}

function isBelow(path: string, folder: string): boolean {
  // Encoded separators and dots could be decoded again by whoever opens the file.
  return path.startsWith(folder) && !/%2f|%5c|%2e|\\/i.test(path);
}

function exactOrigin(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isPlain =
    url && ['https:', 'http:', 'wss:', 'ws:'].includes(url.protocol) && origin === `${url.protocol}//${url.host}`;
  if (isPlain) return origin;
  throw new GenieError('GENIE_CHANNEL_OPTIONS', `"${origin}" is no origin; pass one like "wss://genie.example".`);
}
