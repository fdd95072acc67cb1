import { GenieError, type Tool, type Toolbox } from '@genie/core';

/**
 * Puts tools together under their names. Tools from functions, plugins and servers look the same.
 * Throws `GENIE_TOOL_DUPLICATE` when two have one name.
 */
export function createToolbox(tools: readonly Tool[]): Toolbox {
  const byName = new Map<string, Tool>();
  for (const tool of tools) {
    if (byName.has(tool.name))
      throw new GenieError(
        'GENIE_TOOL_DUPLICATE',
        `Two tools are called ${JSON.stringify(tool.name)}: rename one of them.`,
      );
    byName.set(tool.name, tool);
  }
  const list = Object.freeze([...byName.values()]);
  return { list: () => list, get: (name) => byName.get(name) };
}
