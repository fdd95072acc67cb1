import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayerCache, type LayerLease } from './layer-cache.ts';

const layer = (name: string, sizeBytes = 10) => ({ hash: name, path: `/layers/${name}`, sizeBytes });

function cache(more: { maxLayers?: number; maxBytes?: number } = {}) {
  const log: string[] = [];
  const live = new Set<string>();
  const one = new LayerCache<string>({
    ...more,
    load: async ({ hash }) => {
      await Promise.resolve();
      log.push(`+${hash}`);
      live.add(hash);
      return hash;
    },
    dispose: (handle) => {
      log.push(`-${handle}`);
      if (!live.delete(handle)) throw new Error(`${handle} is disposed twice`);
    },
  });
  const use = async (name: string, sizeBytes?: number) => (await one.acquire(layer(name, sizeBytes))).release();
  return { one, log, live, use };
}

describe('LayerCache', () => {
  it('loads once for requests at the same time', async () => {
    const { one, log } = cache();
    await Promise.all([one.acquire(layer('a')), one.acquire(layer('a')), one.acquire(layer('b'))]);
    expect(log).toEqual(['+a', '+b']);
    expect(one.stats()).toEqual({ layers: 2, bytes: 20, hits: 1, misses: 2, evictions: 0 });
  });

  it('evicts the least used, not merely the oldest', async () => {
    const { use, log } = cache({ maxLayers: 2 });
    for (const name of ['a', 'a', 'a', 'b', 'c', 'a']) await use(name);
    expect(log).toEqual(['+a', '+b', '-b', '+c']);
  });

  it('never evicts what is in use, and says so when nothing else is left', async () => {
    const { one, use, log } = cache({ maxLayers: 2 });
    const a = await one.acquire(layer('a'));
    await use('b');
    await use('c');
    expect(log).toEqual(['+a', '+b', '-b', '+c']);
    await one.acquire(layer('c'));
    await expect(one.acquire(layer('d'))).rejects.toMatchObject({ code: 'GENIE_LAYER_CACHE_FULL' });
    a.release();
    a.release();
    await use('d');
    expect(log.slice(-2)).toEqual(['-a', '+d']);
  });

  it('checks the size before it loads', async () => {
    const { one, log } = cache({ maxBytes: 100 });
    await expect(one.acquire(layer('huge', 101))).rejects.toMatchObject({ code: 'GENIE_LAYER_TOO_LARGE' });
    expect(log).toEqual([]);
  });

  it('holds its limits and never uses a disposed layer, whatever happens at the same time', async () => {
    const steps = fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 60 }), fc.boolean()), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const { one, live } = cache({ maxLayers: 3, maxBytes: 100 });
        const held: LayerLease<string>[] = [];
        await Promise.all(
          list.map(async ([name, _size, keeps]) => {
            const lease = await one.acquire(layer(`l${name}`, 5 + name * 9)).catch(() => undefined);
            if (!lease) return;
            expect(live.has(lease.handle)).toBe(true);
            if (keeps && held.length < 2) held.push(lease);
            else lease.release();
          }),
        );
        const { layers, bytes } = one.stats();
        expect(layers).toBeLessThanOrEqual(3);
        expect(bytes).toBeLessThanOrEqual(100);
        expect(live.size).toBe(layers);
        for (const lease of held) expect(live.has(lease.handle)).toBe(true);
        for (const lease of held) lease.release();
        await one.clear();
        expect(live.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
