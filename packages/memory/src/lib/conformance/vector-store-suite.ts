import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import { dotProduct, toUnitVector } from '../vectors/unit-vector.ts';
import type { VectorStore } from '../vectors/vector-store.ts';

export interface VectorStoreSetup {
  /** Empty, of dimension 24 (not a multiple of 16, on purpose). */
  readonly store: VectorStore;
  /** Called with every vector before it is added, for stores that rescore from elsewhere. */
  readonly keep?: (id: string, vector: Float32Array) => void;
}

export const suiteDimension = 24;

type Row = { readonly id: string; readonly vector: Float32Array };

/** Repeatable pseudo-random rows (linear congruential generator, Numerical Recipes). */
function rows(count: number, seed: number): Row[] {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2_147_483_648 - 1;
  };
  return Array.from({ length: count }, (_row, at) => ({
    id: `v${at}`,
    vector: Float32Array.from({ length: suiteDimension }, next),
  }));
}

async function fill({ store, keep }: VectorStoreSetup, added: readonly Row[]): Promise<void> {
  for (const { id, vector } of added) keep?.(id, toUnitVector(vector, undefined, id));
  await store.add(added);
}

function truth(all: readonly Row[], query: Float32Array, k: number): string[] {
  const unit = toUnitVector(query, undefined, 'query');
  return all
    .map(({ id, vector }) => ({ id, similarity: dotProduct(unit, toUnitVector(vector, undefined, id)) }))
    .sort((left, right) => right.similarity - left.similarity)
    .slice(0, k)
    .map(({ id }) => id);
}

const cases: readonly ConformanceCase<VectorStoreSetup>[] = [
  {
    name: 'finds the true nearest, best first, with their similarity',
    async run(setup) {
      const all = rows(400, 1);
      await fill(setup, all);
      for (const { vector } of rows(20, 99)) {
        const found = await setup.store.search(vector, 10);
        expectEqual(
          found.map(({ id }) => id),
          truth(all, vector, 10),
          'the nearest ten',
        );
        expectThat(
          found.every(({ similarity }) => similarity >= -1.0001 && similarity <= 1.0001),
          'a similarity lies within -1 and 1',
        );
      }
    },
  },
  {
    name: 'finds a stored vector with similarity 1, whatever its length',
    async run(setup) {
      const all = rows(50, 3);
      await fill(setup, all);
      const one = all[7]?.vector ?? new Float32Array(suiteDimension);
      const [first] = await setup.store.search(
        one.map((value) => value * 250),
        1,
      );
      expectThat(
        first?.id === 'v7' && Math.abs(first.similarity - 1) < 1e-4,
        `expected v7 with 1, got ${JSON.stringify(first)}`,
      );
    },
  },
  {
    name: 'replaces the vector of an id',
    async run(setup) {
      // Enough that the old place of the vector is far from the new one in any order.
      const all = rows(1_500, 5);
      await fill(setup, all);
      const moved = { id: 'v3', vector: rows(1, 77)[0]?.vector ?? new Float32Array(suiteDimension) };
      await fill(setup, [moved]);
      expectEqual(
        [setup.store.size, (await setup.store.search(moved.vector, 1))[0]?.id],
        [1_500, 'v3'],
        'size and nearest',
      );
    },
  },
  {
    name: 'never returns what was removed',
    async run(setup) {
      const all = rows(120, 8);
      await fill(setup, all);
      const gone = all.filter((_row, at) => at % 3 === 0).map(({ id }) => id);
      await setup.store.remove([...gone, 'never there']);
      expectEqual(
        [setup.store.size, setup.store.has('v0'), setup.store.has('v1')],
        [80, false, true],
        'size and membership',
      );
      const left = all.filter(({ id }) => !gone.includes(id));
      const query = all[0]?.vector ?? new Float32Array(suiteDimension);
      expectEqual(
        (await setup.store.search(query, 10)).map(({ id }) => id),
        truth(left, query, 10),
        'the nearest of the rest',
      );
    },
  },
  {
    name: 'returns all it has when fewer are there than asked for',
    async run(setup) {
      expectEqual(await setup.store.search(rows(1, 1)[0]?.vector ?? [], 5), [], 'an empty store');
      await fill(setup, rows(3, 2));
      expectEqual((await setup.store.search(rows(1, 9)[0]?.vector ?? [], 10)).length, 3, 'the number of matches');
    },
  },
  {
    name: 'refuses vectors that mean nothing and keeps what it has',
    async run(setup) {
      await fill(setup, rows(5, 4));
      const good = rows(1, 6)[0]?.vector ?? new Float32Array(suiteDimension);
      const bad = [
        new Float32Array(suiteDimension),
        Float32Array.of(1, 2),
        good.map((value, at) => (at === 3 ? Number.NaN : value)),
        good.map((value, at) => (at === 0 ? Number.POSITIVE_INFINITY : value)),
      ];
      for (const vector of bad) {
        await expectCode(
          setup.store.add([
            { id: 'fresh', vector: good },
            { id: 'bad', vector },
          ]),
          'GENIE_MEMORY_VECTOR',
        );
        await expectCode(setup.store.search(vector, 1), 'GENIE_MEMORY_VECTOR');
      }
      expectEqual([setup.store.size, setup.store.has('fresh')], [5, false], 'size and membership after refused calls');
    },
  },
  {
    name: 'does not search when it is aborted',
    async run(setup) {
      await fill(setup, rows(5, 4));
      const work = setup.store.search(rows(1, 6)[0]?.vector ?? [], 1, { signal: AbortSignal.abort(new Error('stop')) });
      expectThat(
        await work.then(
          () => false,
          () => true,
        ),
        'an aborted search must reject',
      );
    },
  },
];

/** What every vector store must do. */
export const vectorStoreSuite: ConformanceSuite<VectorStoreSetup> = { port: 'VectorStore', cases };
