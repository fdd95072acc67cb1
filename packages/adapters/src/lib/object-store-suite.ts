import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { ObjectStore } from '@genie/core/ports';

export interface ObjectStoreSetup {
  readonly store: ObjectStore;
}

const text = (content: string) => new TextEncoder().encode(content);

/** The content of an object as text. Throws when there is none. */
async function read(store: ObjectStore, key: string): Promise<string> {
  const found = await store.get(key);
  expectThat(found, `"${key}" is not there`);
  const decoder = new TextDecoder();
  let content = '';
  for await (const chunk of found.content) content += decoder.decode(chunk, { stream: true });
  return content + decoder.decode();
}

async function keysOf(store: ObjectStore, prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

const cases: readonly ConformanceCase<ObjectStoreSetup>[] = [
  {
    name: 'gives back what was put, with size and SHA-256',
    async run({ store }) {
      const info = await store.put('reports/a.md', text('hello'), { contentType: 'text/markdown' });
      expectEqual([info.key, info.sizeBytes, info.contentType], ['reports/a.md', 5, 'text/markdown'], 'info');
      expectEqual(info.sha256, '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', 'checksum');
      expectEqual(await read(store, 'reports/a.md'), 'hello', 'content');
    },
  },
  {
    name: 'replaces an object whole',
    async run({ store }) {
      await store.put('a', text('a long first content'));
      await store.put('a', text('short'));
      expectEqual(await read(store, 'a'), 'short', 'content');
      expectEqual((await store.head('a'))?.sizeBytes, 5, 'size');
    },
  },
  {
    name: 'keeps the former object when a put fails halfway',
    async run({ store }) {
      await store.put('a', text('old'));
      async function* broken() {
        yield text('new');
        throw new Error('the source broke');
      }
      await store.put('a', broken()).then(
        () => expectThat(false, 'a broken put resolved'),
        () => undefined,
      );
      expectEqual(await read(store, 'a'), 'old', 'content after a failed put');
    },
  },
  {
    name: 'keeps keys apart that differ in case, or look like files and folders of each other',
    async run({ store }) {
      const keys = ['A', 'a', 'a.json', 'a.json/b', 'a/b'];
      for (const key of keys) await store.put(key, text(key));
      for (const key of keys) expectEqual(await read(store, key), key, 'content');
    },
  },
  {
    name: 'lists in key order, by prefix',
    async run({ store }) {
      for (const key of ['b/2', 'a/1', 'b/1']) await store.put(key, text(key));
      expectEqual(await keysOf(store), ['a/1', 'b/1', 'b/2'], 'all keys');
      expectEqual(await keysOf(store, 'b/'), ['b/1', 'b/2'], 'keys under b/');
    },
  },
  {
    name: 'deletes once, and knows nothing of it afterwards',
    async run({ store }) {
      await store.put('a', text('x'));
      expectEqual([await store.delete('a'), await store.delete('a')], [true, false], 'delete');
      expectEqual([await store.get('a'), await store.head('a')], [undefined, undefined], 'after delete');
      expectEqual(await keysOf(store), [], 'keys after delete');
    },
  },
  {
    name: 'streams many megabytes through, whole',
    async run({ store }) {
      const piece = new Uint8Array(700_001).map((_, index) => (index * 31) % 251);
      async function* pieces() {
        for (let index = 0; index < 20; index += 1) yield piece;
      }
      const info = await store.put('large', pieces());
      expectEqual(info.sizeBytes, 20 * piece.length, 'size');
      const found = await store.get('large');
      expectThat(found, '"large" is not there');
      let offset = 0;
      for await (const chunk of found.content) {
        for (let index = 0; index < chunk.length; index += 997)
          expectThat(chunk[index] === piece[(offset + index) % piece.length], `byte ${offset + index} is another one`);
        offset += chunk.length;
      }
      expectEqual([offset, found.info.sha256], [20 * piece.length, info.sha256], 'size and checksum');
    },
  },
  {
    name: 'keeps one of eight contents written to a key at the same time, whole',
    async run({ store }) {
      const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(50_000 + index));
      await Promise.all(contents.map((content) => store.put('a', text(content))));
      expectThat(contents.includes(await read(store, 'a')), 'the content is that of no writer');
    },
  },
  {
    name: 'stops a put at an abort, and nothing of it is there',
    async run({ store }) {
      const stop = new AbortController();
      async function* endless() {
        for (let index = 0; ; index += 1) {
          if (index === 5) stop.abort();
          yield text('x'.repeat(100_000));
        }
      }
      const [put] = await Promise.allSettled([store.put('a', endless(), { signal: stop.signal })]);
      expectEqual(
        [put.status, await store.head('a'), await keysOf(store)],
        ['rejected', undefined, []],
        'after the abort',
      );
    },
  },
  {
    name: 'refuses keys that lead elsewhere',
    async run({ store }) {
      for (const key of ['../up', '/a', 'a//b', 'a/../b', '', 'a\0b'])
        await expectCode(store.put(key, text('x')), 'GENIE_OBJECT_KEY');
    },
  },
];

/** What every object store has to keep. Each case is caught breaking by a mutant in the tests of this package. */
export const objectStoreSuite: ConformanceSuite<ObjectStoreSetup> = { port: 'ObjectStore', cases };
