import { mkdtempSync, rmSync } from 'node:fs';
import { openMemory } from '@genie/memory';
import { createCorpus } from './corpus.ts';

function manyTurns(count) {
  const turns = [];
  for (let seed = 1; turns.length < count; seed += 1) {
    for (const { turns: some } of createCorpus({ dialogues: 10, sessions: 30, seed })) {
      turns.push(
        ...some.map((t) => ({
          ...t,
          id: `${seed}/${t.id}`,
          text: `${t.text} (${seed}x${turns.length})`,
          namespace: 'default',
        })),
      );
    }
  }
  return turns.slice(0, count);
}
const n = Number(process.argv[2] ?? 20000);
const turns = manyTurns(n);
const p = (a, q) => a.sort((x, y) => x - y)[Math.floor(a.length * q)].toFixed(3);
for (const forgot of [false, true]) {
  const dir = mkdtempSync('/tmp/h3/m-');
  const memory = openMemory({ dir });
  await memory.stats();
  if (forgot) {
    await memory.remember({ id: 'x', text: 'some text to be forgotten' });
    await memory.forget({ id: 'x' });
  }
  let t = performance.now(),
    c = process.cpuUsage();
  await memory.remember(turns);
  const d = performance.now() - t;
  c = process.cpuUsage(c);
  console.log(
    'forgot',
    forgot,
    'bulk/s',
    Math.round((n / d) * 1000),
    'per cpu s',
    Math.round(n / ((c.user + c.system) / 1e6)),
  );
  t = performance.now();
  c = process.cpuUsage();
  await memory.recall('instrument');
  c = process.cpuUsage(c);
  console.log('first recall (builds index)', (performance.now() - t).toFixed(1), 'cpu', (c.user + c.system) / 1000);
  const times = [];
  for (let i = 0; i < 1000; i++) {
    const s = performance.now();
    await memory.remember({ text: `one more memory, number ${i}`, speaker: 'Ada' });
    times.push(performance.now() - s);
  }
  console.log('remember p50', p(times, 0.5), 'p95', p(times, 0.95), 'p99', p(times, 0.99));
  const q = createCorpus({ dialogues: 10, sessions: 20, seed: 77 }).flatMap((o) => o.questions.map((x) => x.text));
  await memory.recall(q[0]);
  const rt = [];
  for (let i = 0; i < 300; i++) {
    const s = performance.now();
    await memory.recall(q[i % q.length], { k: 10 });
    rt.push(performance.now() - s);
  }
  console.log('recall p50', p(rt, 0.5), 'p95', p(rt, 0.95));
  await memory.close();
  const ot = [];
  for (let i = 0; i < 3; i++) {
    const s = performance.now();
    const m = openMemory({ dir });
    await m.recall('instrument');
    const e = performance.now() - s;
    await m.close();
    ot.push(performance.now() - s);
    console.log('open+recall', e.toFixed(1), 'with close', ot.at(-1).toFixed(1));
  }
  rmSync(dir, { recursive: true });
}
