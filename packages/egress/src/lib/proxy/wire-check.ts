import type { IncomingMessage } from 'node:http';
import { EgressError } from '../egress-error.ts';
import type { Rules } from '../policy/rules.ts';
import { type Authority, parseAuthority } from './request-form.ts';

const maxHeaders = 200;

// RFC 9110, 7.6.1, and what proxies of old used.
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

// A Connection header that names one of these asks the next server to lose it.
const neverNamed: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
]);

/** What the headers of one request say about its framing and destination. */
export interface WireFacts {
  readonly hosts: readonly string[];
  readonly lengths: readonly string[];
  readonly encodings: readonly string[];
  readonly named: ReadonlySet<string>;
  readonly count: number;
}

export function readWireFacts(rawHeaders: readonly string[]): WireFacts {
  const hosts: string[] = [];
  const lengths: string[] = [];
  const encodings: string[] = [];
  const named = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    // Most names differ in length from the few that matter here.
    if (name.length === 4 && name.toLowerCase() === 'host') hosts.push(value);
    else if (name.length === 10 && name.toLowerCase() === 'connection')
      for (const one of value.split(',')) named.add(one.trim().toLowerCase());
    else if (name.length === 14 && name.toLowerCase() === 'content-length') lengths.push(value);
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') encodings.push(value);
  }
  return { hosts, lengths, encodings, named, count: rawHeaders.length / 2 };
}

/** Refuses requests whose framing two servers could read differently, or whose destination is named twice. Throws `EgressError`. */
export function checkWire(request: IncomingMessage, facts: WireFacts, rules: Rules): void {
  checkFraming(request, facts, rules);
  if (rules('wire:connection-names')) {
    for (const name of facts.named) if (neverNamed.has(name)) throw smuggling(`Connection names ${name}`);
  }
  if (rules('wire:one-host') && facts.hosts.length !== 1 && !mayLackHost(request, facts)) {
    throw smuggling(`the request has ${facts.hosts.length} Host headers`);
  }
}

/** Refuses a Host that is not the authority. Not for CONNECT, whose Host goes nowhere and is wrong in many clients. */
export function checkHost(request: IncomingMessage, facts: WireFacts, authority: Authority, rules: Rules): void {
  if (!rules('wire:host-matches') || mayLackHost(request, facts)) return;
  if (authority.text !== undefined && facts.hosts[0] === authority.text) return;
  const host = parseAuthority(facts.hosts[0] ?? '', 80);
  const isSame = host?.port === authority.port && host.hostText.toLowerCase() === authority.hostText.toLowerCase();
  if (isSame) return;
  const message = `Host is ${JSON.stringify(facts.hosts[0])}, but the request goes to ${authority.hostText}:${authority.port}`;
  throw new EgressError('host-mismatch', message);
}

function mayLackHost(request: IncomingMessage, facts: WireFacts): boolean {
  return request.httpVersion === '1.0' && facts.hosts.length === 0;
}

function checkFraming(request: IncomingMessage, facts: WireFacts, rules: Rules): void {
  if (rules('wire:header-size') && facts.count > maxHeaders)
    throw smuggling(`${facts.count} headers; at most ${maxHeaders} are read`);
  if (!rules('wire:framing')) return;
  const { lengths, encodings } = facts;
  if (lengths.length + encodings.length > 1) throw smuggling('the length of the body is given more than once');
  if (encodings.length === 1 && (encodings[0]?.trim().toLowerCase() !== 'chunked' || request.httpVersion !== '1.1')) {
    throw smuggling(`Transfer-Encoding ${JSON.stringify(encodings[0])} is not "chunked" of HTTP/1.1`);
  }
  if (lengths.length === 1 && !/^\d{1,15}$/.test(lengths[0] ?? ''))
    throw smuggling(`Content-Length ${JSON.stringify(lengths[0])} is no number`);
  if (request.headers.upgrade !== undefined && lengths.length + encodings.length > 0)
    throw smuggling('an upgrade with a body');
}

/** The headers without those that are meant for this hop only, flat as they came. */
export function endToEndHeaders(rawHeaders: readonly string[], facts: WireFacts, rules: Rules): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'host' || lower === 'transfer-encoding') continue;
    if (rules('wire:hop-by-hop') && (hopByHop.has(lower) || facts.named.has(lower))) continue;
    kept.push(name, rawHeaders[index + 1] ?? '');
  }
  return kept;
}

/** True when a body follows the headers. */
export function hasBody(facts: WireFacts): boolean {
  return facts.encodings.length > 0 || (facts.lengths.length > 0 && facts.lengths[0] !== '0');
}

function smuggling(what: string): EgressError {
  return new EgressError('request-smuggling', `the request is refused: ${what}`);
}
