import { type AllowEntry, type CompiledEntry, parseAllowEntry } from './allow-entry.ts';
import type { Decision, Destination } from './decision.ts';
import { type HostName, type HostResult, parseAuthorityHost } from './host-name.ts';
import { isWithinHours } from './hours.ts';
import { allRules, type Rules } from './rules.ts';

export interface PolicyOptions {
  /** Who may be reached. Empty means nobody. */
  readonly allow: readonly AllowEntry[];
  /** For entries without ports of their own. Default 443 and 80. */
  readonly ports?: readonly number[];
}

/** The pure part of the filter: no clock, no network, no state. */
export interface Policy {
  readonly entries: readonly CompiledEntry[];
  /** What to do about a destination at the wall time `now`. Rates, addresses and approvals come later in the pipeline. */
  decide(destination: Destination, now: number): Decision;
}

// Services that speak first or take commands in text, so that an HTTP request to them does harm (the bad ports of the Fetch
// standard that are not web servers). Only the operator can open them.
const neverAsked: ReadonlySet<number> = new Set([
  7, 9, 19, 21, 22, 23, 25, 53, 69, 110, 111, 119, 123, 135, 137, 139, 143, 161, 389, 445, 465, 514, 587, 993, 995,
  2375, 2376, 3306, 5432, 6379, 11211, 27017,
]);

/** Compiles an allowlist. Throws `GENIE_EGRESS_OPTIONS` when an entry is refused. */
export function compilePolicy(options: PolicyOptions, rules: Rules = allRules): Policy {
  const defaultPorts = new Set(options.ports ?? [443, 80]);
  const entries = options.allow.map((entry) => parseAllowEntry(entry, defaultPorts));
  const exact = Map.groupBy(
    entries.filter((entry) => !entry.wildcard),
    (entry) => entry.name,
  );
  const below = Map.groupBy(
    entries.filter((entry) => entry.wildcard),
    (entry) => entry.name,
  );
  const parsedHosts = new Map<string, HostResult>();
  // Clients ask for the same few hosts again and again; reading one costs more than finding it.
  const readHost = (text: string): HostResult => {
    const known = parsedHosts.get(text);
    if (known !== undefined) return known;
    const parsed = parseAuthorityHost(text);
    if (parsedHosts.size >= 1_000) parsedHosts.clear();
    if (text.length <= 260) parsedHosts.set(text, parsed);
    return parsed;
  };
  return {
    entries,
    decide(destination, now) {
      const parsed = readHost(destination.hostText);
      if (!('host' in parsed)) {
        if (rules('grammar')) return refuseGrammar(parsed);
        return chooseEntry({ kind: 'name', name: destination.hostText }, entries, destination, now, rules);
      }
      const matching = findEntries(parsed.host, exact, below);
      if (rules('literal') && isLocal(parsed.host) && matching.length === 0)
        return refuseLiteral(parsed.host, destination);
      return chooseEntry(parsed.host, rules('allowlist') ? matching : entries, destination, now, rules);
    },
  };
}

function findEntries(
  host: HostName,
  exact: ReadonlyMap<string, CompiledEntry[]>,
  below: ReadonlyMap<string, CompiledEntry[]>,
): readonly CompiledEntry[] {
  const found = exact.get(host.name);
  if (below.size === 0 || host.kind === 'address') return found ?? [];
  const all = found === undefined ? [] : [...found];
  for (let dot = host.name.indexOf('.'); dot !== -1; dot = host.name.indexOf('.', dot + 1)) {
    const wildcards = below.get(host.name.slice(dot + 1));
    if (wildcards !== undefined) all.push(...wildcards);
  }
  return all;
}

function chooseEntry(
  host: HostName,
  matching: readonly CompiledEntry[],
  destination: Destination,
  now: number,
  rules: Rules,
): Decision {
  if (matching.length === 0)
    return askUnlessNever(host, destination, 'not-allowed', `${host.name} is not in the allowlist`, rules);
  const byPort = rules('port') ? matching.filter((entry) => entry.ports.has(destination.port)) : matching;
  if (byPort.length === 0) {
    if (isLocal(host)) return refuseLiteral(host, destination);
    return askUnlessNever(
      host,
      destination,
      'port',
      `port ${destination.port} of ${host.name} is not in the allowlist`,
      rules,
    );
  }
  const [only] = byPort;
  if (byPort.length === 1 && only?.methods === undefined && only?.hours === undefined && only !== undefined)
    return { verdict: 'allow', host, entry: only };
  const byMethod = rules('method') ? byPort.filter((entry) => allowsMethod(entry, destination)) : byPort;
  if (byMethod.length === 0)
    return {
      verdict: 'ask',
      host,
      reason: 'method',
      message: `${destination.method} is not allowed for ${host.name}:${destination.port}`,
    };
  const entry = byMethod.find((one) => one.hours === undefined || !rules('hours') || isWithinHours(one.hours, now));
  if (entry === undefined)
    return {
      verdict: 'deny',
      reason: 'hours',
      message: `${host.name}:${destination.port} is not allowed at this time of day`,
    };
  return { verdict: 'allow', host, entry };
}

// No approval lifts these: the operator lists them with their exact port.
function isLocal(host: HostName): boolean {
  return host.kind === 'address' || host.name === 'localhost';
}

function allowsMethod(entry: CompiledEntry, destination: Destination): boolean {
  if (entry.methods === undefined) return true;
  // A tunnel hides its methods, so a limit on them cannot be kept there.
  return entry.methods.has(destination.scheme === 'tunnel' ? 'CONNECT' : destination.method);
}

function askUnlessNever(
  host: HostName,
  destination: Destination,
  reason: 'not-allowed' | 'port',
  message: string,
  rules: Rules,
): Decision {
  if (rules('port') && neverAsked.has(destination.port))
    return {
      verdict: 'deny',
      reason: 'port',
      message: `${message}, and port ${destination.port} can only be opened by the operator`,
    };
  return { verdict: 'ask', host, reason, message };
}

function refuseGrammar(result: Extract<HostResult, { readonly problem: string }>): Decision {
  return { verdict: 'deny', reason: result.literal ? 'address-literal' : 'host-grammar', message: result.problem };
}

function refuseLiteral(host: HostName, destination: Destination): Decision {
  const message = `${host.name}:${destination.port} is an address; addresses are allowed only when the operator lists exactly this address and port`;
  return { verdict: 'deny', reason: 'address-literal', message };
}
