import { readdirSync, readFileSync } from 'node:fs';

/** Name of the variable that every process of a server inherits. */
export const markName = 'MCP_SERVER_MARK';

/**
 * Processes that carry a mark in their environment. What a server starts may lead a group of its own and lose its parent (a
 * browser does both), but it keeps the environment it was started with. Empty where there is no `/proc`.
 */
export function markedProcesses(mark: string): readonly number[] {
  const entry = `${markName}=${mark}`;
  return processIds().flatMap((name) => {
    try {
      const isMarked = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(entry);
      return isMarked ? [Number(name)] : [];
    } catch {
      // It ended while we looked, or belongs to another user.
      return [];
    }
  });
}

function processIds(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
