import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Source, SourceKind } from '@genie/core/ports';
import { usageError } from '../cli/usage-error.ts';

const kinds: readonly SourceKind[] = ['folder', 'git', 'feed', 'web', 'mcp'];
/** How feeds are named; https://www.rssboard.org/rss-autodiscovery names no rule, so this is a habit, and `feed:` overrides it. */
const feedLike = /(?:^|[/._=-])(?:rss|atom|feeds?)(?:$|[/._?=&-])|\.(?:xml|rdf)$/i;

/**
 * Reads a `--source`: `kind:location`, an address, or a path. A path with `.git` is a checkout, any other folder a folder; an
 * address that is named like a feed is a feed, any other one a web page. Nothing is fetched: that would leave before the user
 * was asked. Throws `GENIE_CLI_USAGE` for a path that is missing and for what is none of these.
 */
export function detectSource(text: string, workingFolder: string): Source {
  const named = /^([a-z]+):(?!\/\/)(.+)$/i.exec(text);
  const kind = kinds.find((one) => one === named?.[1]?.toLowerCase());
  const rest = kind ? (named?.[2] ?? '') : text;
  if (kind === 'mcp')
    throw usageError(
      `--source ${text}: resources of MCP servers cannot be sources of a genie made here. Use a path or an address.`,
    );
  if (/^https?:\/\//i.test(rest)) return addressSource(rest, kind);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(rest))
    throw usageError(`--source ${text}: only http and https addresses can be read.`);
  if (kind === 'feed' || kind === 'web') throw usageError(`--source ${text}: a ${kind} is an http or https address.`);
  return pathSource(rest, kind, workingFolder);
}

function addressSource(text: string, kind: SourceKind | undefined): Source {
  if (!URL.canParse(text)) throw usageError(`--source ${text} is no valid address.`);
  const url = new URL(text);
  if (kind === 'git' || url.pathname.endsWith('.git')) {
    throw usageError(`--source ${text}: a genie reads checkouts on this machine. Clone it first, then give the path.`);
  }
  if (kind === 'folder') throw usageError(`--source ${text}: a folder is a path.`);
  return { kind: kind ?? (feedLike.test(url.pathname + url.search) ? 'feed' : 'web'), location: url.toString() };
}

function pathSource(text: string, kind: SourceKind | undefined, workingFolder: string): Source {
  const location = resolve(workingFolder, text);
  if (!existsSync(location)) throw usageError(`--source ${text}: ${location} does not exist.`);
  if (!statSync(location).isDirectory())
    throw usageError(`--source ${text}: ${location} is a file. Use the folder that holds it.`);
  const isCheckout = existsSync(resolve(location, '.git'));
  if (kind === 'git' && !isCheckout)
    throw usageError(`--source ${text}: ${location} is no git checkout, it has no .git.`);
  return { kind: kind ?? (isCheckout ? 'git' : 'folder'), location };
}
