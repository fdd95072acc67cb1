import type { JsonObject } from '@genie/core';
import { describeThrown } from '@genie/core/errors';
import { createTimeLimit, type TimeLimit, TookTooLong } from '../../time-limit.ts';
import { isRecord } from '../content.ts';
import { compileSchema, type SchemaCheck } from '../schema/compile-schema.ts';
import { cleanObject } from './clean-json.ts';
import type { OfferedTool } from './pin-tools.ts';

/** A tool of a server with the checks that its schemas ask for. */
export interface CheckedTool extends OfferedTool {
  readonly checkInput: SchemaCheck;
  /** Only where the server says what it answers. */
  readonly checkOutput?: SchemaCheck;
}

/** What a listing may cost before a server is believed to mean harm. */
export interface ReadLimits {
  /** Characters of one schema. */
  readonly schema: number;
  /** Characters of all schemas together: a model reads every one of them. */
  readonly together: number;
  /** For one schema, by the clock, and for those of a whole listing, by the processor: a busy machine is no hostile server. */
  readonly compileMs: number;
  /** For one check of a value. */
  readonly checkMs: number;
}

const usualLimits: ReadLimits = { schema: 128 * 1024, together: 1024 * 1024, compileMs: 3_000, checkMs: 1_000 };

export interface ReadOffer {
  readonly tools: readonly CheckedTool[];
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/** Reads a listing of a server. Entries that are not usable are named with the reason. */
export function readOffered(listed: readonly unknown[], limits: ReadLimits = usualLimits): ReadOffer {
  const tools: CheckedTool[] = [];
  const refused: { name: string; reason: string }[] = [];
  const seen = new Set<string>();
  const compile = boundedCompiler(limits);
  for (const entry of listed) {
    const name = isRecord(entry) && typeof entry.name === 'string' ? entry.name : '(no name)';
    try {
      if (seen.has(name)) throw new Error('another tool has this name');
      seen.add(name);
      tools.push(readEntry(entry, name, compile));
    } catch (error) {
      refused.push({ name: name.slice(0, 100), reason: describeThrown(error) });
    }
  }
  return { tools, refused };
}

type Compile = (schema: JsonObject, name: string) => SchemaCheck;

function readEntry(entry: unknown, name: string, compile: Compile): CheckedTool {
  if (name.length > 256 || name === '__proto__') throw new Error('a tool cannot have this name');
  const { description, inputSchema, outputSchema, annotations } = cleanObject(entry);
  const input = cleanObject(inputSchema ?? { type: 'object' });
  return {
    name,
    description: typeof description === 'string' ? description : '',
    inputSchema: input,
    annotations: cleanObject(annotations ?? {}),
    checkInput: compile(input, name),
    ...(isRecord(outputSchema) ? { checkOutput: compile(outputSchema as JsonObject, name) } : {}),
  };
}

/** Compiles schemas until the characters or the time for all of them are used up. */
function boundedCompiler({ schema: most, together, compileMs, checkMs }: ReadLimits): Compile {
  const limit = createTimeLimit();
  // Loads the engine, which is not the server's fault.
  compileSchema({}, 'nothing');
  let characters = 0;
  let spentMs = 0;
  return (schema, name) => {
    const size = JSON.stringify(schema).length;
    if (size > most) throw new Error(`its schema has ${size} characters, ${most} are accepted`);
    if (characters + size > together)
      throw new Error(`the schemas of this server have more than ${together} characters`);
    if (spentMs >= compileMs) throw new Error(`the schemas of this server take longer than ${compileMs} ms to read`);
    characters += size;
    const start = process.cpuUsage();
    try {
      const check = limit.run(compileMs, () => compileSchema(schema, name));
      return (value) => checkWithin(limit, checkMs, () => check(value));
    } catch (error) {
      if (error instanceof TookTooLong) spentMs = Number.POSITIVE_INFINITY;
      throw error;
    } finally {
      const { user, system } = process.cpuUsage(start);
      spentMs += (user + system) / 1_000;
    }
  };
}

function checkWithin(limit: TimeLimit, limitMs: number, check: () => ReturnType<SchemaCheck>): ReturnType<SchemaCheck> {
  try {
    return limit.run(limitMs, check);
  } catch (error) {
    // Also a value that nests too deep for a schema that refers to itself.
    if (error instanceof TookTooLong || error instanceof RangeError)
      return [{ path: '', message: `cannot be compared with the schema of the server: ${error.message}` }];
    throw error;
  }
}
