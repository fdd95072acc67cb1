import { domainToASCII, domainToUnicode } from 'node:url';
import { formatIpv6, parseIpv4, parseIpv6 } from './address.ts';
import { describeHomograph } from './homograph.ts';

/** A destination that passed the grammar. `name` is lower case ASCII and is what everything else compares. */
export interface HostName {
  readonly kind: 'name' | 'address';
  readonly name: string;
  /** The readable form of an internationalised name. */
  readonly unicode?: string;
  /** Set when the readable form may be mistaken for another name. */
  readonly warning?: string;
}

export type HostResult = { readonly host: HostName } | { readonly problem: string; readonly literal: boolean };

const asciiName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const numberLabel = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * Reads a host as it came over the wire: ASCII letters, digits, dashes and dots (RFC 1123), nothing repaired. A trailing dot,
 * brackets, user info, a percent sign or a non-ASCII character is refused. Whatever a resolver or URL parser could take for an
 * address (a last label that is a number in any base) is reported as a literal.
 */
export function parseWireHost(text: string): HostResult {
  const lower = toLowerAscii(text);
  if (asciiName.test(lower) && !numberLabel.test(lower))
    return lower.includes('xn--') ? readPunycode(lower) : { host: { kind: 'name', name: lower } };
  if (parseIpv4(lower) !== undefined) return { host: { kind: 'address', name: lower } };
  return { problem: describeProblem(text), literal: looksLikeAddress(lower) };
}

/** Like {@link parseWireHost}, for IPv6 in brackets (only the shortest spelling, RFC 5952) besides names and dotted IPv4. */
export function parseAuthorityHost(text: string): HostResult {
  if (!text.startsWith('[')) return parseWireHost(text);
  const inner = toLowerAscii(text.slice(1, -1));
  const words = text.endsWith(']') ? parseIpv6(inner) : undefined;
  if (words === undefined || formatIpv6(words) !== inner) {
    return { problem: `"${text}" is not an IPv6 address in its shortest spelling`, literal: true };
  }
  return { host: { kind: 'address', name: inner } };
}

/**
 * Reads a host that a person or a program wrote: as {@link parseWireHost}, and Unicode names in the one spelling that their
 * punycode gives back (UTS 46), so full-width letters, ligatures and the like are refused instead of repaired.
 */
export function parseWrittenHost(text: string): HostResult {
  if (isAscii(text)) return parseAuthorityHost(text);
  const ascii = domainToASCII(text);
  if (ascii === '' || domainToUnicode(ascii) !== text.toLowerCase()) {
    return {
      problem: `"${text}" has characters that would have to be repaired; write the punycode name`,
      literal: looksLikeAddress(ascii),
    };
  }
  return parseWireHost(ascii);
}

function readPunycode(name: string): HostResult {
  const unicode = domainToUnicode(name);
  if (unicode === '' || unicode === name || domainToASCII(unicode) !== name) {
    return { problem: `"${name}" is not valid punycode`, literal: false };
  }
  const warning = describeHomograph(unicode);
  return { host: { kind: 'name', name, unicode, ...(warning === undefined ? {} : { warning }) } };
}

function describeProblem(text: string): string {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  if (text === '') return 'the host is empty';
  if (text.endsWith('.')) return `${shown} ends in a dot; write it without`;
  if (text.includes('%')) return `${shown} has a percent sign; hosts are not decoded`;
  if (text.includes('@')) return `${shown} has user information; send credentials in a header`;
  if (!isAscii(text)) return `${shown} has characters outside ASCII; send the punycode name`;
  if (looksLikeAddress(toLowerAscii(text))) return `${shown} is an address in an unusual spelling`;
  return `${shown} is not a host name (letters, digits, dashes and dots, labels of 1 to 63)`;
}

function looksLikeAddress(text: string): boolean {
  const bare = text.replace(/^\[|\]$|\.$/g, '');
  return numberLabel.test(bare) || /^[0-9a-f.]*:[0-9a-f:.]*:[0-9a-f:.%]*$/.test(bare);
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false;
  return true;
}

// String.prototype.toLowerCase would turn the Kelvin sign into k.
function toLowerAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
}
