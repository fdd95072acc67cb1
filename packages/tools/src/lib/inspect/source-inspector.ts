import type { Source } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { openConfinedFolder } from '../confine/confined-folder.ts';
import { walkFiles } from '../files/walk-files.ts';
import { readRepository } from '../git/read-repository.ts';
import type { GitOptions } from '../git/run-git.ts';
import { shortHash } from '../short-hash.ts';
import { resourceToPage } from '../web/fetch-page.ts';
import { type Fetch, fetchResource } from '../web/fetch-resource.ts';
import { loadFeed } from '../web/read-feed.ts';

export interface InspectContext {
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
}

/** Fingerprints by `kind:location`. Equal fingerprints mean nothing new there. */
export type SourceInspector = (sources: readonly Source[], context: InspectContext) => Promise<Record<string, string>>;

/**
 * Creates what a wake gate asks before it wakes a model: has anything changed? git: the commit of HEAD; folder: a hash of
 * path, size and modification time of every file; feed: a hash of the entries' ids; web: a hash of the main text.
 * A source that cannot be looked at gives `error:<code>`, so a failure that comes or goes counts as a change.
 * Rejects only when the signal aborts.
 */
export function createSourceInspector(options: { readonly git?: GitOptions } = {}): SourceInspector {
  return async (sources, context) => {
    const pairs = await Promise.all(
      sources.map(
        async (source) =>
          [`${source.kind}:${source.location}`, await fingerprint(source, context, options.git)] as const,
      ),
    );
    return Object.fromEntries(pairs);
  };
}

async function fingerprint(source: Source, context: InspectContext, git: GitOptions | undefined): Promise<string> {
  try {
    return await inspect(source, context, git);
  } catch (error) {
    context.signal.throwIfAborted();
    return `error:${GenieError.isInstance(error) ? error.code : 'GENIE_SOURCE_FAILED'}`;
  }
}

async function inspect(
  source: Source,
  { fetch, signal }: InspectContext,
  git: GitOptions | undefined,
): Promise<string> {
  switch (source.kind) {
    case 'git':
      return (await readRepository(source.location, signal, git)).head ?? 'empty';
    case 'folder':
      return hashFolder(source.location, signal);
    case 'feed':
      return shortHash((await loadFeed(source.location, { fetch, signal })).map((entry) => entry.id).join('\n'), 32);
    case 'web':
      return hashPage(source.location, fetch, signal);
    case 'mcp':
      throw new GenieError(
        'GENIE_SOURCE_UNSUPPORTED',
        `${source.location}: resources of MCP servers are read by their client.`,
      );
    default:
      return source.kind satisfies never;
  }
}

async function hashFolder(location: string, signal: AbortSignal): Promise<string> {
  const folder = openConfinedFolder(location, { refuseHardLinks: false });
  try {
    const lines: string[] = [];
    for await (const file of walkFiles(folder, signal))
      lines.push(`${file.path}\0${file.sizeBytes}\0${file.modifiedAt}`);
    return shortHash(lines.join('\n'), 32);
  } finally {
    folder.close();
  }
}

async function hashPage(url: string, fetch: Fetch, signal: AbortSignal): Promise<string> {
  const resource = await fetchResource(url, fetch, {
    accept: 'text/html, text/plain, */*;q=0.1',
    accepts: () => true,
    signal,
  });
  return shortHash((await resourceToPage(resource)).text, 32);
}
