import type { Tool } from '@genie/core';
import { isHostile, repairArguments } from './repair-arguments.ts';

type Schema = Tool['input'];
type Checked = ReturnType<Schema['~standard']['validate']>;

/**
 * The schema of a tool that gives near-miss arguments one more chance. Valid ones pass at their usual cost; arguments
 * with prototype keys or absurd depth are refused before the tool's schema sees them.
 */
export function lenientSchema(tool: Tool): Schema {
  const strict = tool.input['~standard'];
  const again = (value: unknown, first: Awaited<Checked>): Checked => {
    if (!first.issues) return first;
    const second = strict.validate(repairArguments(value, tool.inputJsonSchema));
    // The first complaint is about what was really sent.
    return second instanceof Promise
      ? second.then((result) => (result.issues ? first : result))
      : second.issues
        ? first
        : second;
  };
  return {
    '~standard': {
      ...strict,
      validate(value) {
        if (isHostile(value))
          return { issues: [{ message: 'The arguments nest too deeply or hold a key like "__proto__"' }] };
        const first = strict.validate(value);
        return first instanceof Promise ? first.then((result) => again(value, result)) : again(value, first);
      },
    },
  };
}
