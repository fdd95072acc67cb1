import { GenieError } from '../genie-error.ts';
import type { Tool, Toolbox } from './tool.ts';

// biome-ignore lint/suspicious/noExplicitAny: tools with different argument types have no other common type.
type AnyTool = Tool<any, any>;

/** A toolbox of a plain list. Throws `GENIE_TOOL_INVALID` for something that is no tool and for two tools of one name. */
export function toToolbox(tools: readonly AnyTool[] | Toolbox): Toolbox {
  if (!Array.isArray(tools)) {
    const toolbox = tools as Toolbox;
    if (typeof toolbox?.list === 'function' && typeof toolbox.get === 'function') return toolbox;
    throw new GenieError(
      'GENIE_TOOL_INVALID',
      '"tools" is neither a list of tools nor a toolbox with list() and get().',
    );
  }
  const byName = new Map<string, Tool>();
  for (const tool of tools as readonly AnyTool[]) {
    if (typeof tool?.name !== 'string' || typeof tool.run !== 'function' || !tool.input) {
      throw new GenieError(
        'GENIE_TOOL_INVALID',
        'The list of tools holds something that is no tool. Make tools with defineTool.',
      );
    }
    if (byName.has(tool.name)) {
      throw new GenieError('GENIE_TOOL_INVALID', `There are two tools named "${tool.name}". Rename one of them.`);
    }
    byName.set(tool.name, tool);
  }
  const list = [...byName.values()];
  return { list: () => list, get: (name) => byName.get(name) };
}
