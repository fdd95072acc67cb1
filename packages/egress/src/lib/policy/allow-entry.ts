import { GenieError } from '@genie/core/errors';
import { getPublicSuffix } from 'tldts';
import { z } from 'zod';
import { type HostName, parseWrittenHost } from './host-name.ts';
import { type Hours, parseHours } from './hours.ts';

const portSchema = z.int().min(1).max(65_535);

const entrySchema = z.strictObject({
  host: z.string(),
  ports: z.array(portSchema).min(1).optional(),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/))
    .min(1)
    .optional(),
  requestsPerMinute: z.int().min(1).optional(),
  maxRequestBytes: z.int().min(0).optional(),
  maxResponseBytes: z.int().min(0).optional(),
  hours: z.strictObject({ from: z.string(), to: z.string(), timeZone: z.string().optional() }).optional(),
});

/**
 * One entry of the allowlist: an exact host (`example.com`), every name strictly below one (`*.example.com`), or an address or
 * `localhost` with its port (`127.0.0.1:11434`). A text may end in `:port`. Without `ports` the policy's ports apply.
 * Byte limits count one request or one tunnel; `hours` are `HH:MM` in `timeZone` (default UTC).
 */
export type AllowEntry = string | z.input<typeof entrySchema>;

/** An entry after parsing. `rule` is its text as shown in decisions and in the audit log. */
export interface CompiledEntry {
  readonly rule: string;
  readonly name: string;
  readonly kind: HostName['kind'];
  readonly wildcard: boolean;
  readonly ports: ReadonlySet<number>;
  readonly methods?: ReadonlySet<string>;
  readonly requestsPerMinute?: number;
  readonly maxRequestBytes?: number;
  readonly maxResponseBytes?: number;
  readonly hours?: Hours;
  readonly warning?: string;
}

/** Parses one entry. Throws `GENIE_EGRESS_OPTIONS` with the fix for anything that does not name exactly what it allows. */
export function parseAllowEntry(entry: AllowEntry, defaultPorts: ReadonlySet<number>): CompiledEntry {
  const parsed = entrySchema.safeParse(typeof entry === 'string' ? { host: entry } : entry);
  if (!parsed.success) throw refused(JSON.stringify(entry), z.prettifyError(parsed.error));
  const { host: text, ports, methods, hours, ...limits } = parsed.data;
  const { hostText, port } = splitPort(text);
  const wildcard = hostText.startsWith('*.');
  const host = readHost(text, wildcard ? hostText.slice(2) : hostText);
  const own = port === undefined ? ports : [port];
  refuseTooWide(text, host, wildcard, own !== undefined);
  return {
    rule: text,
    name: host.name,
    kind: host.kind,
    wildcard,
    ports: own === undefined ? defaultPorts : new Set(own),
    ...(methods === undefined ? {} : { methods: new Set(methods) }),
    ...(hours === undefined ? {} : { hours: parseHours(hours) }),
    ...(host.warning === undefined ? {} : { warning: host.warning }),
    ...dropUndefined(limits),
  };
}

/** Splits `host:port`; a bracketed IPv6 address keeps its brackets. */
export function splitPort(text: string): { readonly hostText: string; readonly port: number | undefined } {
  const match = /^(\[[^\]]*\]|[^:]*):([1-9]\d{0,4})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65_535) return { hostText: text, port: undefined };
  return { hostText: match[1] ?? '', port };
}

function readHost(entry: string, hostText: string): HostName {
  const result = parseWrittenHost(hostText);
  if ('host' in result) return result.host;
  throw refused(entry, `${result.problem}.${suggestFix(entry)}`);
}

function refuseTooWide(entry: string, host: HostName, wildcard: boolean, hasPorts: boolean): void {
  if (wildcard && host.kind === 'address')
    throw refused(entry, 'an address has no names below it. List each address with its port');
  if (wildcard && getPublicSuffix(host.name, { allowPrivateDomains: true }) === host.name) {
    throw refused(entry, `"${host.name}" is a public suffix, under which anyone can register. List the hosts you mean`);
  }
  if (!hasPorts && (host.kind === 'address' || host.name === 'localhost')) {
    throw refused(entry, `an address needs its exact port. Write "${entry}:<port>"`);
  }
}

function suggestFix(entry: string): string {
  if (entry === '*' || entry === '*.')
    return ' Everything cannot be allowed: list hosts, or "*.example.com" for the names below one';
  const bare = entry
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/[/?#].*$/, '')
    .replace(/^.*@/, '')
    .replace(/\.$/, '')
    .trim();
  const better = parseWrittenHost(splitPort(bare.startsWith('*.') ? bare.slice(2) : bare).hostText);
  return 'host' in better && bare !== entry
    ? ` Did you mean "${bare}"?`
    : ' Write a host like "api.example.com" or "*.example.com"';
}

function refused(entry: string, why: string): GenieError {
  return new GenieError('GENIE_EGRESS_OPTIONS', `allow: "${entry}" is refused: ${why}`, { details: { entry } });
}

function dropUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
