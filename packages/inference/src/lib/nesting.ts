/** Deeper values than this overflow the stack of what writes and reads them for another process; no honest schema comes near. */
export const maxNesting = 128;

/** Whether lists and records lie inside one another deeper than `limit`. Goes level by level without recursion, so that no value is too deep to be judged. */
export function isNestedDeeper(value: unknown, limit = maxNesting): boolean {
  let level: ReadonlySet<object> = new Set(isObject(value) ? [value] : []);
  for (let depth = 0; depth < limit; depth += 1) {
    if (level.size === 0) return false;
    const next = new Set<object>();
    for (const one of level) for (const inner of Object.values(one)) if (isObject(inner)) next.add(inner);
    level = next;
  }
  return level.size > 0;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
