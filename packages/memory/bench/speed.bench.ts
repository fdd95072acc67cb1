import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Memory, type MemoryOptions, openMemory } from '@genie/memory';
import { runRecord } from '@genie/memory/testing';
import { createCorpus, type Turn } from './corpus.ts';
import { openPlainFts } from './plain-fts.ts';
import { atLeast, atMost, info, percentile, type Row, times } from './rows.ts';

interface Options {
  readonly log: (line: string) => void;
}

const limitsMs = new Map([
  [600, 5],
  [10_000, 20],
  [100_000, 60],
]);
const cipher = { passphrase: 'correct horse battery' };

/** Time of the calls that a run and a person wait for, at three sizes. */
export async function bench({ log }: Options): Promise<Row[]> {
  const root = mkdtempSync(path.join(tmpdir(), 'genie-memory-bench-'));
  try {
    const rows: Row[] = [];
    for (const [size, limitMs] of limitsMs) {
      log(`${size} memories`);
      rows.push(...(await measureSize(path.join(root, String(size)), size, limitMs)));
    }
    rows.push(
      ...(await measureEncrypted(path.join(root, 'encrypted'))),
      ...(await measureForget(path.join(root, 'forget'))),
    );
    return rows;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function manyTurns(count: number): (Turn & { namespace: string })[] {
  const turns: (Turn & { namespace: string })[] = [];
  for (let seed = 1; turns.length < count; seed += 1) {
    for (const { turns: some } of createCorpus({ dialogues: 10, sessions: 30, seed })) {
      // A number of its own in each turn gives the store the vocabulary of that many different memories.
      turns.push(
        ...some.map((turn) => ({
          ...turn,
          id: `${seed}/${turn.id}`,
          text: `${turn.text} (${seed}x${turns.length})`,
          namespace: 'default',
        })),
      );
    }
  }
  return turns.slice(0, count);
}

async function measureSize(dir: string, size: number, limitMs: number): Promise<Row[]> {
  const turns = manyTurns(size);
  const questions = createCorpus({ dialogues: 10, sessions: 20, seed: 77 }).flatMap((one) =>
    one.questions.map(({ text }) => text),
  );
  const ask = (at: number): string => questions[at % questions.length] ?? '';
  const memory = openMemory({ dir });
  await memory.stats();
  const bulkStart = performance.now();
  await memory.remember(turns);
  const bulk = turns.length / ((performance.now() - bulkStart) / 1_000);
  await memory.recall(ask(0));
  const recalls = await times(300, (at) => memory.recall(ask(at), { k: 10 }));
  const plain = openPlainFts(turns);
  const search = plain.search('default');
  const bare = await times(100, (at) => search(ask(at), 10));
  plain.close();
  const rows = [
    atMost(
      `memory.recall.p95.${size}`,
      `recall of 10 among ${size} memories, p95`,
      percentile(recalls, 0.95),
      'ms',
      limitMs,
    ),
    info(`memory.recall.p50.${size}`, `the same, p50`, percentile(recalls, 0.5), 'ms'),
    info(
      `memory.recall.plain.p95.${size}`,
      `plain full text search, the same questions, p95`,
      percentile(bare, 0.95),
      'ms',
    ),
  ];
  if (size < 100_000) {
    await memory.close();
    return rows;
  }
  rows.push(
    atLeast('memory.remember.bulk', 'memories stored a second in one call', bulk, '1/s', 30_000),
    ...(await measureWrites(memory)),
  );
  await memory.close();
  return [...rows, ...(await measureOpen({ dir }, 'memory.open', 'readable', 300))];
}

async function measureWrites(memory: Memory): Promise<Row[]> {
  const writes = await times(500, (at) => memory.remember({ text: `one more memory, number ${at}`, speaker: 'Ada' }));
  const runs = await times(100, (at) =>
    memory.learn(
      runRecord(
        `run_${at}`,
        Array.from({ length: 8 }, (_one, item) => [`item-${at}-${item}`, `Finding ${item} of run ${at}`] as const),
      ),
    ),
  );
  const { sizeBytes, records } = await memory.stats();
  return [
    atMost('memory.remember.p95', 'one remember, p95', percentile(writes, 0.95), 'ms', 1),
    atMost('memory.learn.p95', 'learn of a run with 8 findings, on the caller, p95', percentile(runs, 0.95), 'ms', 5),
    info('memory.bytes', 'bytes of the store for each memory', sizeBytes / records, 'bytes'),
  ];
}

async function measureOpen(options: MemoryOptions, id: string, what: string, limitMs: number): Promise<Row[]> {
  const opening = await times(5, async () => {
    const memory = openMemory(options);
    await memory.recall('instrument');
    await memory.close();
  });
  return [atMost(id, `open 100,000 memories (${what}) and answer, median`, percentile(opening, 0.5), 'ms', limitMs)];
}

async function measureEncrypted(dir: string): Promise<Row[]> {
  const memory = openMemory({ dir, cipher });
  await memory.remember(manyTurns(100_000));
  await memory.recall('instrument');
  const writes = await times(300, (at) => memory.remember({ text: `one more memory, number ${at}` }));
  await memory.close();
  return [
    ...(await measureOpen({ dir, cipher }, 'memory.open.encrypted', 'encrypted', 1_000)),
    info('memory.remember.encrypted.p95', 'one remember, encrypted, p95', percentile(writes, 0.95), 'ms'),
  ];
}

/** 10,000 memories forgotten among 20,000; then every path that could show them is asked. */
async function measureForget(dir: string): Promise<Row[]> {
  const items = Array.from({ length: 20_000 }, (_one, at) => ({
    id: `m${at}`,
    text: `memory ${at} about topic${at % 100}`,
    source: at % 2 === 0 ? 'keep' : `drop-${at % 10}`,
  }));
  let memory = openMemory({ dir });
  await memory.remember(items);
  await memory.recall('topic1');
  const singles = items.filter(({ source }) => source === 'drop-1').slice(0, 1_000);
  const one = await times(singles.length, (at) => memory.forget({ id: singles[at]?.id ?? '' }));
  for (const end of [1, 3, 5, 7, 9]) await memory.forget({ source: `drop-${end}` });
  await memory.remember(items);
  await memory.close();
  memory = openMemory({ dir });
  const isGone = (id: string): boolean => Number(id.slice(1)) % 2 === 1;
  const back = new Set<string>((await memory.list()).map(({ id }) => id).filter(isGone));
  for (let topic = 0; topic < 100; topic += 1) {
    const { items: found } = await memory.recall(`topic${topic}`, { k: 1_000, asOf: Date.now() + 1_000 });
    for (const { id } of found) if (isGone(id)) back.add(id);
  }
  for await (const line of memory.export())
    if (isGone(String((JSON.parse(line) as { id?: string }).id ?? 'm0'))) back.add(line);
  await memory.close();
  return [
    atMost(
      'memory.forget.resurfaced',
      'of 10,000 forgotten memories, back after learning the same sources again',
      back.size,
      'memories',
      0,
    ),
    info('memory.forget.p95', 'one forget among 20,000 memories, p95', percentile(one, 0.95), 'ms'),
  ];
}
