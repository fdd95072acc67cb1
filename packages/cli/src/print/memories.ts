import { GenieError } from '@genie/core/errors';
import type { Memory, Recalled, StoredRecord } from '@genie/memory';
import { readRange } from '../commands/memory-range.ts';
import type { CommandContext } from '../lib/cli/command.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import type { Terminal } from '../lib/terminal/terminal.ts';
import { bytes, dateTime, number } from './amounts.ts';
import { plain, plainLine } from './style.ts';
import { table } from './table.ts';

export interface MemoryQuestion {
  readonly action: 'search' | 'list' | 'show' | 'stats';
  readonly rest: readonly string[];
  readonly all: boolean;
}

/** Prints the answer of one `genie memory` question. */
export async function showMemories(memory: Memory, question: MemoryQuestion, context: CommandContext): Promise<void> {
  switch (question.action) {
    case 'search':
      return search(memory, question, context);
    case 'list':
      return list(memory, question, context);
    case 'show':
      return show(memory, question, context);
    case 'stats':
      return stats(memory, context.terminal);
    default:
      return question.action satisfies never;
  }
}

async function search(
  memory: Memory,
  { rest }: MemoryQuestion,
  { terminal, signal, flags }: CommandContext,
): Promise<void> {
  const query = rest.join(' ').trim();
  if (query === '') throw usageError('genie memory search needs words to look for.');
  const explain = flags.on('explain');
  const answer = await memory.recall(query, {
    k: flags.positive('limit') ?? 10,
    signal,
    explain,
    ...namespaceOf(flags),
    ...(flags.texts('speaker').length > 0 ? { speakers: flags.texts('speaker') } : {}),
    ...(flags.texts('kind').length > 0 ? { kinds: flags.texts('kind') } : {}),
    ...readRange(flags),
  });
  terminal.printJson({ query, ...answer });
  const { style } = terminal;
  for (const item of answer.items) {
    terminal.print(`${style.cyan(item.score.toFixed(3))} ${plainLine(item.text, Math.max(40, terminal.width * 2))}`);
    const { source } = item.provenance;
    terminal.print(
      `      ${style.dim(`${plainLine(item.id, 80)} · ${plainLine(item.kind, 40)}${source ? ` · ${plainLine(String(source), 80)}` : ''}`)}`,
    );
    if (explain) for (const line of explained(item, terminal)) terminal.print(line);
  }
  terminal.print(
    style.dim(
      `${answer.items.length} found in ${answer.tookMs.toFixed(1)} ms${answer.degraded ? `; ${answer.degraded}` : ''}`,
    ),
  );
}

/** The parts of a score, those that changed it, and who said it when. */
function explained({ why, provenance }: Recalled, { style }: Terminal): readonly string[] {
  const parts = Object.entries(why).map(([name, value]) => `${name} ${Number(value.toFixed(3))}`);
  const { speaker, eventTime, recordedAt, runId } = provenance;
  const origin = [
    speaker === undefined ? '' : `said by ${plainLine(String(speaker), 40)}`,
    typeof eventTime === 'number' ? `happened ${dateTime(eventTime)}` : '',
    typeof recordedAt === 'number' ? `learnt ${dateTime(recordedAt)}` : '',
    runId === undefined ? '' : `in ${plainLine(String(runId), 60)}`,
  ].filter((part) => part !== '');
  return [`      ${style.dim(parts.join('  '))}`, `      ${style.dim(origin.join(', '))}`];
}

function namespaceOf(flags: CommandContext['flags']): { readonly namespace?: string } {
  const namespace = flags.text('namespace');
  return namespace === undefined ? {} : { namespace };
}

async function list(memory: Memory, { rest, all }: MemoryQuestion, { terminal, flags }: CommandContext): Promise<void> {
  const records = await memory.list(rest[0], {
    limit: flags.positive('limit') ?? 50,
    ...namespaceOf(flags),
    order: 'newest',
    ...(all ? { status: ['live', 'superseded', 'merged'] } : {}),
  });
  terminal.printJson({ records });
  for (const line of table(records.map((record) => row(record, terminal)))) terminal.print(line);
  if (records.length === 0) terminal.print(`Nothing is remembered${rest[0] ? ` as ${rest[0]}` : ''} yet.`);
}

function row(record: StoredRecord, { style, width }: Terminal): readonly string[] {
  const status = record.status === 'live' ? '' : style.yellow(record.status);
  return [
    style.dim(record.id),
    `${record.tier}/${record.kind}`,
    dateTime(record.eventTime ?? record.recordedAt),
    status,
    plainLine(record.text, Math.max(30, width - 75)),
  ];
}

async function show(memory: Memory, { rest }: MemoryQuestion, { terminal, flags }: CommandContext): Promise<void> {
  const [id] = rest;
  if (id === undefined) throw usageError('genie memory show needs an id. See: genie memory list');
  const record = await memory.get(id, namespaceOf(flags));
  if (!record) throw new GenieError('GENIE_MEMORY_UNKNOWN', `There is no memory "${id}". See: genie memory list`);
  terminal.printJson(record);
  const { text, ...facts } = record;
  terminal.print(plain(text));
  const rows = Object.entries(facts).map(([name, value]) => [
    terminal.style.dim(name),
    plainLine(typeof value === 'string' ? value : JSON.stringify(value), 200),
  ]);
  for (const line of table(rows, 2)) terminal.print(line);
}

async function stats(memory: Memory, terminal: Terminal): Promise<void> {
  const found = await memory.stats();
  terminal.printJson(found);
  const rows = Object.entries(found.byTier).map(([tier, count]) => [terminal.style.cyan(tier), number(count)]);
  for (const line of table(rows, 2)) terminal.print(line);
  const size = (found as { readonly sizeBytes?: number }).sizeBytes;
  if (size !== undefined) terminal.print(`  ${terminal.style.dim(`${bytes(size)} on disk`)}`);
}
