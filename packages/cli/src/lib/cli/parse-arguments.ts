import { parseArgs } from 'node:util';
import { type Command, type Flag, type Flags, globalFlags } from './command.ts';
import { type FlagValue, FlagValues } from './flag-values.ts';
import { didYouMean } from './suggest.ts';
import { usageError } from './usage-error.ts';

export interface ParsedArguments {
  readonly flags: FlagValues;
  readonly positionals: readonly string[];
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/**
 * Parses what follows the command's name. `--flag value`, `--flag=value`, `--no-flag`, `-f`; `--` ends the flags.
 * Throws `GENIE_CLI_USAGE` for unknown flags (with the nearest known one), missing, superfluous and malformed values.
 */
export function parseArguments(
  command: Pick<Command, 'name' | 'flags' | 'maxPositionals'>,
  args: readonly string[],
): ParsedArguments {
  const flags = { ...globalFlags, ...command.flags };
  const { tokens } = parseArgs({
    args: [...args],
    options: toNodeOptions(flags),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, FlagValue>();
  const positionals: string[] = [];
  let open: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional' && open !== undefined) {
      values.set(open, [...((values.get(open) as readonly string[] | undefined) ?? []), token.value]);
    } else if (token.kind === 'positional') positionals.push(token.value);
    else if (token.kind === 'option') {
      readOption(token, { command: command.name, flags, values });
      open = flags[token.name]?.variadic ? token.name : undefined;
    } else open = undefined;
  }
  const most = command.maxPositionals ?? Number.POSITIVE_INFINITY;
  if (positionals.length > most) {
    throw usageError(
      `genie ${command.name} does not take ${JSON.stringify(positionals[most])}. See: genie ${command.name} --help`,
    );
  }
  return { flags: new FlagValues(values), positionals };
}

function toNodeOptions(flags: Flags): Record<string, { type: 'boolean' | 'string'; short?: string; multiple: true }> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      {
        type: flag.type === 'boolean' ? 'boolean' : 'string',
        ...(flag.short ? { short: flag.short } : {}),
        multiple: true,
      },
    ]),
  );
}

interface Reading {
  readonly command: string;
  readonly flags: Flags;
  readonly values: Map<string, FlagValue>;
}

function readOption(token: Extract<Token, { kind: 'option' }>, { command, flags, values }: Reading): void {
  const isNegative = token.rawName.startsWith('--no-') && !Object.hasOwn(flags, token.name);
  const name = isNegative ? token.name.slice(3) : token.name;
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (!flag || (isNegative && flag.type !== 'boolean')) throw unknownFlag(token.rawName, command, flags);
  if (flag.type === 'boolean') {
    if (token.value !== undefined) throw usageError(`--${name} takes no value, got ${JSON.stringify(token.value)}.`);
    values.set(name, !isNegative);
    return;
  }
  if (token.value === undefined || (!token.inlineValue && /^--?[a-z]/.test(token.value))) {
    throw usageError(`--${name} needs a value: --${name} ${flag.value ?? 'VALUE'}.`);
  }
  const before = values.get(name);
  if (before !== undefined && !flag.repeatable)
    throw usageError(`--${name} is given twice: ${JSON.stringify(before)} and ${JSON.stringify(token.value)}.`);
  values.set(name, readValue(name, flag, token.value, before));
}

function readValue(name: string, flag: Flag, text: string, before: FlagValue | undefined): FlagValue {
  if (flag.choices && !flag.choices.includes(text)) {
    throw usageError(
      `--${name} is ${JSON.stringify(text)}: use one of ${flag.choices.join(', ')}.${didYouMean(text, flag.choices)}`,
    );
  }
  if (flag.type === 'number') {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) throw usageError(`--${name} is ${JSON.stringify(text)}: use a number.`);
    return value;
  }
  return flag.repeatable ? [...((before as readonly string[] | undefined) ?? []), text] : text;
}

function unknownFlag(rawName: string, command: string, flags: Flags): Error {
  const known = Object.keys(flags).map((name) => `--${name}`);
  return usageError(`genie ${command} knows no ${rawName}.${didYouMean(rawName, known)} See: genie ${command} --help`);
}
