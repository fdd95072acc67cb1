import { GenieError } from '@genie/core/errors';
import { type Fetch, fetchResource, parseAddress } from './fetch-resource.ts';
import { parseRobots, type RobotsRules } from './parse-robots.ts';

/** The name robots.txt files know us by. */
export const robotsAgent = 'genie';

/** Asks a server once an hour whether a page may be read by a program. */
export type RobotsCheck = (address: string, fetch: Fetch, signal: AbortSignal) => Promise<void>;

const keepMs = 3_600_000;
const maxServers = 200;
const everything: RobotsRules = { allows: () => true };
const nothing: RobotsRules = { allows: () => false };

/**
 * Creates the check with a memory of its own. The returned function rejects with `GENIE_WEB_ROBOTS` when robots.txt says
 * no, or cannot be served (5xx, after RFC 9309); a missing one allows everything. Errors of the egress filter pass through.
 */
export function createRobotsCheck(now: () => number): RobotsCheck {
  const known = new Map<string, { readonly rules: RobotsRules; readonly at: number }>();
  return async (address, fetch, signal) => {
    const url = parseAddress(address);
    let entry = known.get(url.origin);
    if (!entry || now() - entry.at > keepMs) {
      entry = { rules: await loadRules(url.origin, fetch, signal), at: now() };
      known.delete(url.origin);
      known.set(url.origin, entry);
      const [oldest] = known.keys();
      if (known.size > maxServers && oldest !== undefined) known.delete(oldest);
    }
    if (entry.rules.allows(url.pathname + url.search)) return;
    throw new GenieError(
      'GENIE_WEB_ROBOTS',
      `${url.href} asks programs not to read it (robots.txt): read another page, or allow it with "robots: false".`,
    );
  };
}

async function loadRules(origin: string, fetch: Fetch, signal: AbortSignal): Promise<RobotsRules> {
  try {
    const { text } = await fetchResource(`${origin}/robots.txt`, fetch, {
      accept: 'text/plain',
      accepts: () => true,
      maxBytes: 1024 * 1024,
      signal,
    });
    return parseRobots(text, robotsAgent);
  } catch (error) {
    if (!GenieError.isInstance(error)) throw error;
    if (error.code === 'GENIE_WEB_STATUS') return Number(error.details?.status) >= 500 ? nothing : everything;
    // The page itself will fail in the same way, with the better message.
    if (error.code === 'GENIE_WEB_FAILED' || error.code === 'GENIE_WEB_TOO_LARGE') return everything;
    throw error;
  }
}
