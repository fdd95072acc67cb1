import { existsSync, realpathSync } from 'node:fs';
import type { Source, Tool, Toolbox } from '@genie/core/ports';
import { createSourceTools, createToolbox } from '@genie/tools';
import type { Hands } from './open-hands.ts';

/** The tools of a genie: those that read its sources, as far as the user accepted them, and those it was given to act with. */
export function openTools(options: {
  readonly sources: readonly Source[];
  readonly workspace: string;
  /** Undefined accepts all. */
  readonly accepted: readonly string[] | undefined;
  readonly hands?: Pick<Hands, 'tools' | 'artifacts'> | undefined;
}): Toolbox {
  const tools: readonly Tool[] = createSourceTools({
    roots: localRoots(options.sources),
    workspace: options.workspace,
  });
  const { accepted, hands } = options;
  const reading = accepted ? tools.filter(({ name }) => accepted.includes(name)) : tools;
  // Whoever switched these on has accepted them.
  return hands ? createToolbox([reading, hands.tools], { artifacts: hands.artifacts }) : createToolbox(reading);
}

/** Folders and checkouts among the sources. */
export function localRoots(sources: readonly Source[]): readonly string[] {
  return sources
    .filter((source) => source.kind === 'folder' || (source.kind === 'git' && !/^[a-z+]+:\/\//i.test(source.location)))
    .map((source) => (existsSync(source.location) ? realpathSync(source.location) : source.location));
}
