import type { ForgetReceipt, ForgetSelector, Memory } from '@genie/memory';
import type { CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { count } from '../print/amounts.ts';
import { plainLine } from '../print/style.ts';
import { readRange } from './memory-range.ts';

const shownBeforeAsking = 10;

/** `genie memory forget`: shows what would go, asks, and forgets exactly that. */
export async function forgetMemories(
  memory: Memory,
  ids: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  const { flags, terminal, signal } = context;
  const selector = readSelector(ids, context);
  const isDryRun = flags.on('dry-run');
  if (!isDryRun && !flags.on('yes') && !terminal.isInteractive)
    throw usageError('genie memory forget needs --yes (or --dry-run) when nobody can be asked.');
  const preview = await memory.forget(selector, { dryRun: true, signal });
  if (isDryRun || preview.ids.length === 0) {
    await print(memory, preview, context);
    return exitCodes.ok;
  }
  if (!flags.on('yes') && !(await isMeant(memory, preview, context))) {
    terminal.print('Nothing was forgotten.');
    return exitCodes.ok;
  }
  await print(memory, await memory.forget(selector, { signal }), context);
  return exitCodes.ok;
}

function readSelector(ids: readonly string[], { flags }: CommandContext): ForgetSelector {
  const range = readRange(flags);
  const named = { query: flags.text('query'), source: flags.text('source'), subject: flags.text('subject') };
  const runId = flags.text('run');
  const all = flags.on('all');
  const isNamed = Object.values(named).some((value) => value !== undefined) || runId !== undefined;
  const hasTime = range.between !== undefined;
  if (ids.length === 0 && !isNamed && !hasTime && !all)
    throw usageError(
      'genie memory forget needs ids, or --query, --source, --subject, --run, --from and --to, or --all.',
    );
  if (ids.length > 0 && (isNamed || hasTime || all))
    throw usageError('genie memory forget takes ids or a selection by flags, not both.');
  if (all && (isNamed || hasTime)) throw usageError('--all selects everything: leave the other selections out.');
  const namespace = flags.text('namespace');
  return {
    ...(ids.length > 0 ? { ids } : {}),
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    ...(runId === undefined ? {} : { runId }),
    ...range,
    ...(all ? { all } : {}),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

async function isMeant(memory: Memory, preview: ForgetReceipt, context: CommandContext): Promise<boolean> {
  const { terminal } = context;
  for (const line of await texts(memory, preview, context)) terminal.print(line);
  const { createPrompter } = await import('../lib/running/prompt-user.ts');
  return (await createPrompter(terminal)).confirm(
    `Forget ${count(preview.ids.length, 'memory', 'memories')} for good, in every tier, log and cache?`,
    false,
  );
}

/** The receipt names ids and counts, never the texts that are gone. */
async function print(memory: Memory, receipt: ForgetReceipt, context: CommandContext): Promise<void> {
  const { terminal } = context;
  terminal.printJson(receipt);
  if (receipt.ids.length === 0) return terminal.print('Nothing matches: nothing to forget.');
  if (receipt.dryRun) for (const line of await texts(memory, receipt, context)) terminal.print(line);
  const amount = count(receipt.ids.length, 'memory', 'memories');
  const parts = Object.entries(receipt.counts).filter(([, value]) => value > 0);
  const where = parts.map(([name, value]) => `${value} ${name}`).join(', ');
  terminal.print(receipt.dryRun ? `Would forget ${amount} (${where}).` : `Forgot ${amount} (${where}).`);
  if (!receipt.dryRun) terminal.print(terminal.style.dim(`Receipt ${receipt.receiptId}`));
}

async function texts(
  memory: Memory,
  { ids }: ForgetReceipt,
  { terminal, flags }: CommandContext,
): Promise<readonly string[]> {
  const namespace = flags.text('namespace');
  const lines: string[] = [];
  for (const id of ids.slice(0, shownBeforeAsking)) {
    const record = await memory.get(id, namespace === undefined ? {} : { namespace });
    if (record) lines.push(`  ${terminal.style.dim(id)} ${plainLine(record.text, Math.max(30, terminal.width - 20))}`);
  }
  if (ids.length > lines.length) lines.push(`  … and ${ids.length - lines.length} more`);
  return lines;
}
