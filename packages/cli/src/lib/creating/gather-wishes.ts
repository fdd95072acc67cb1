import { basename } from 'node:path';
import type { ModelPrice, Source } from '@genie/core/ports';
import { parseSchedule } from '@genie/core/schedule';
import type { CommandContext } from '../cli/command.ts';
import { usageError } from '../cli/usage-error.ts';
import type { ModelReferences } from '../compose/open-models.ts';
import { settingOf, storeChoice } from '../compose/store-reference.ts';
import type { ToolboxPart } from '../compose/toolbox-settings.ts';
import { genieName } from '../homes/find-home.ts';
import { homesFolder } from '../homes/homes-folder.ts';
import { listHomes } from '../homes/list-homes.ts';
import { modelsFrom } from '../running/model-flags.ts';
import { createPrompter, type Prompter } from '../running/prompt-user.ts';
import { detectSource } from './detect-source.ts';

/** What the user wants of a new genie, from flags and answers. */
export interface Wishes {
  readonly goal: string;
  readonly name: string;
  readonly sources: readonly Source[];
  readonly models: ModelReferences;
  readonly cron: string | undefined;
  readonly timezone: string | undefined;
  readonly allow: readonly string[];
  readonly budget: { readonly steps?: number; readonly tokens?: number; readonly usd?: number };
  readonly price: ModelPrice | undefined;
  readonly baseUrl: string | undefined;
  readonly instructions: string | undefined;
  /** For `genie.json`: `env:NAME` or `home`. */
  readonly store: string | undefined;
  readonly toolbox: readonly ToolboxPart[];
}

/** Reads the flags and asks for what is missing, when there is somebody to ask. Throws `GENIE_CLI_USAGE`, `GENIE_SCHEDULE_INVALID`. */
export async function gatherWishes(context: CommandContext): Promise<Wishes> {
  const { flags, terminal, workingFolder } = context;
  const prompter = terminal.isInteractive && !flags.on('yes') ? await createPrompter(terminal) : undefined;
  const goal = flags.text('goal')?.trim() || (await askGoal(prompter));
  const given = flags.texts('source').map((text) => detectSource(text, workingFolder));
  const sources = given.length > 0 ? given : await askSources(prompter, workingFolder);
  const name = context.positionals[0] ?? flags.text('name') ?? freeName(context, goal);
  const [cron, timezone] = [flags.text('cron'), flags.text('timezone')];
  if (cron !== undefined || timezone !== undefined)
    parseSchedule({ cron: cron ?? '0 7 * * *', ...(timezone ? { timezone } : {}) });
  return {
    goal,
    name,
    sources,
    cron,
    timezone,
    models: modelsFrom(flags),
    allow: flags.texts('allow'),
    budget: budgetFrom(context),
    price: readPrice(flags.text('price')),
    baseUrl: flags.text('base-url'),
    instructions: flags.text('instructions'),
    store: settingOf(storeChoice(context)),
    toolbox: flags.texts('toolbox') as readonly ToolboxPart[],
  };
}

function budgetFrom({ flags }: CommandContext): Wishes['budget'] {
  const entries = (['steps', 'tokens', 'usd'] as const).map(
    (limit) => [limit, flags.positive(`budget-${limit}`)] as const,
  );
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** `3/15`: USD for a million tokens in and out. */
function readPrice(text: string | undefined): ModelPrice | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(text);
  if (!match)
    throw usageError(`--price is ${JSON.stringify(text)}: use IN/OUT in USD for a million tokens, e.g. 3/15.`);
  return { inputUsdPerMillion: Number(match[1]), outputUsdPerMillion: Number(match[2]) };
}

async function askGoal(prompter: Prompter | undefined): Promise<string> {
  if (!prompter)
    throw usageError(
      'There is no goal. Say what the genie should pursue: genie new --goal "Brief me on …" --source PATH_OR_URL',
    );
  return prompter.text('What should the genie pursue?', {
    placeholder: 'Brief me on what changed in this repository and who should care',
    check: (text) => (text.trim() === '' ? 'Say it in a sentence.' : undefined),
  });
}

async function askSources(prompter: Prompter | undefined, workingFolder: string): Promise<readonly Source[]> {
  if (!prompter) return [];
  const check = (text: string): string | undefined => {
    try {
      for (const one of splitList(text)) detectSource(one, workingFolder);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const text = await prompter.text('Where should it look? Paths and addresses, separated by spaces (or nothing)', {
    placeholder: '. https://example.com/feed.xml',
    check,
  });
  return splitList(text).map((one) => detectSource(one, workingFolder));
}

function splitList(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((one) => one !== '');
}

/** The first words of the goal, with a number when that name is taken. */
function freeName(context: CommandContext, goal: string): string {
  const homeFlag = context.flags.text('home');
  if (homeFlag !== undefined) return basename(homeFlag);
  const small = new Set([
    'a',
    'an',
    'the',
    'me',
    'my',
    'on',
    'about',
    'in',
    'of',
    'for',
    'to',
    'and',
    'what',
    'this',
    'is',
  ]);
  const words = goal
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9\s]/g, '')
    .split(/\s+/)
    .filter((word) => word !== '' && !small.has(word));
  const base = words.slice(0, 3).join('-').slice(0, 40);
  const stem = genieName.test(base) ? base : 'genie';
  const taken = new Set(listHomes(homesFolder(context.environment)).map(({ name }) => name));
  let name = stem;
  for (let number = 2; taken.has(name); number += 1) name = `${stem}-${number}`;
  return name;
}
