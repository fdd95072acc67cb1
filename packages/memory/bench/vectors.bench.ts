import { createInt8Scan } from '@genie/memory';
import { createRandom } from './corpus.ts';
import { atLeast, atMost, percentile, type Row, times } from './rows.ts';

interface Options {
  readonly log: (line: string) => void;
}

const count = 100_000;
const dimension = 384;

/** The vector scan on random vectors, which are the hardest: every neighbour is nearly as far as every other. */
export async function bench({ log }: Options): Promise<Row[]> {
  log(`${count} random vectors of ${dimension} dimensions`);
  const random = createRandom(5);
  const unit = (): Float32Array => {
    const vector = Float32Array.from(
      { length: dimension },
      () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
    );
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
  const vectors = Array.from({ length: count }, unit);
  const byId = new Map(vectors.map((vector, at) => [`v${at}`, vector]));
  const scan = createInt8Scan({
    dimension,
    exactVectors: async (ids) => new Map(ids.map((id) => [id, byId.get(id) ?? new Float32Array(dimension)])),
  });
  await scan.add(vectors.map((vector, at) => ({ id: `v${at}`, vector })));
  const queries = Array.from({ length: 200 }, unit);
  const taken = await times(queries.length, (at) => scan.search(queries[at] ?? [], 10));
  let hits = 0;
  const checked = queries.slice(0, 40);
  for (const query of checked) {
    const truth = nearest(vectors, query, 10);
    hits += (await scan.search(query, 10)).filter(({ id }) => truth.has(id)).length;
  }
  return [
    atMost('memory.vectors.p50', `top 10 of ${count} × ${dimension}, p50`, percentile(taken, 0.5), 'ms', 6),
    atLeast('memory.vectors.recall', 'share of the true top 10', hits / (checked.length * 10), 'share', 0.999),
    atMost('memory.vectors.memory', 'memory of the scan', scan.memoryBytes / 1e6, 'MB', 50),
  ];
}

function nearest(vectors: readonly Float32Array[], query: Float32Array, k: number): Set<string> {
  const scored = vectors.map((vector, at) => {
    let sum = 0;
    for (let place = 0; place < vector.length; place += 1) sum += (vector[place] ?? 0) * (query[place] ?? 0);
    return [sum, at] as const;
  });
  return new Set(
    scored
      .sort((left, right) => right[0] - left[0])
      .slice(0, k)
      .map(([, at]) => `v${at}`),
  );
}
