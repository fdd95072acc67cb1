import { existsSync, realpathSync } from 'node:fs';
import type { Source, Tool, Toolbox } from '@genie/core/ports';
import { createSourceTools, createToolbox } from '@genie/tools';

/** The tools of a genie: those that read its sources and its own folder, as far as the user accepted them. */
export function openTools(options: {
  readonly sources: readonly Source[];
  readonly workspace: string;
  /** Undefined accepts all. */
  readonly accepted: readonly string[] | undefined;
}): Toolbox {
  const tools: readonly Tool[] = createSourceTools({
    roots: localRoots(options.sources),
    workspace: options.workspace,
  });
  const { accepted } = options;
  return createToolbox(accepted ? tools.filter(({ name }) => accepted.includes(name)) : tools);
}

/** Folders and checkouts among the sources. */
export function localRoots(sources: readonly Source[]): readonly string[] {
  return sources
    .filter((source) => source.kind === 'folder' || (source.kind === 'git' && !/^[a-z+]+:\/\//i.test(source.location)))
    .map((source) => (existsSync(source.location) ? realpathSync(source.location) : source.location));
}
