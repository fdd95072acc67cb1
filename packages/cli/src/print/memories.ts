import { GenieError } from '@genie/core/errors';
import type { Memory, StoredRecord } from '@genie/memory';
import type { CommandContext } from '../lib/cli/command.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import type { Terminal } from '../lib/terminal/terminal.ts';
import { bytes, dateTime, number } from './amounts.ts';
import { plain, plainLine } from './style.ts';
import { table } from './table.ts';

export interface MemoryQuestion {
  readonly action: 'search' | 'list' | 'show' | 'stats';
  readonly rest: readonly string[];
  readonly limit: number | undefined;
  readonly all: boolean;
}

/** Prints the answer of one `genie memory` question. */
export async function showMemories(
  memory: Memory,
  question: MemoryQuestion,
  { terminal, signal }: CommandContext,
): Promise<void> {
  switch (question.action) {
    case 'search':
      return search(memory, question, terminal, signal);
    case 'list':
      return list(memory, question, terminal);
    case 'show':
      return show(memory, question, terminal);
    case 'stats':
      return stats(memory, terminal);
    default:
      return question.action satisfies never;
  }
}

async function search(
  memory: Memory,
  { rest, limit }: MemoryQuestion,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const query = rest.join(' ').trim();
  if (query === '') throw usageError('genie memory search needs words to look for.');
  const answer = await memory.recall(query, { k: limit ?? 10, signal });
  terminal.printJson({ query, ...answer });
  const { style } = terminal;
  for (const item of answer.items) {
    terminal.print(`${style.cyan(item.score.toFixed(3))} ${plainLine(item.text, Math.max(40, terminal.width * 2))}`);
    terminal.print(
      `      ${style.dim(`${item.id} · ${item.kind}${item.provenance.source ? ` · ${plainLine(String(item.provenance.source), 80)}` : ''}`)}`,
    );
  }
  terminal.print(
    style.dim(
      `${answer.items.length} found in ${answer.tookMs.toFixed(1)} ms${answer.degraded ? `; ${answer.degraded}` : ''}`,
    ),
  );
}

async function list(memory: Memory, { rest, limit, all }: MemoryQuestion, terminal: Terminal): Promise<void> {
  const records = await memory.list(rest[0], {
    limit: limit ?? 50,
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

async function show(memory: Memory, { rest }: MemoryQuestion, terminal: Terminal): Promise<void> {
  const [id] = rest;
  if (id === undefined) throw usageError('genie memory show needs an id. See: genie memory list');
  const record = await memory.get(id);
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
