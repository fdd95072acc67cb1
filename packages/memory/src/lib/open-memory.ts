import { GenieError } from '@genie/core/errors';
import { systemClock } from '@genie/core/ports';
import { type Background, createBackground } from './background.ts';
import { checkCipherOptions } from './cipher/key-file.ts';
import { consolidate } from './consolidate/consolidate.ts';
import { rollBack } from './consolidate/roll-back.ts';
import type { Engine } from './engine.ts';
import { enrich } from './enrich.ts';
import { forget } from './forget.ts';
import { learn } from './learn.ts';
import type { Memory, MemoryInput } from './memory.ts';
import { checkName, checkWhole, inputError, namespaceOf } from './memory-input.ts';
import type { MemoryOptions } from './memory-options.ts';
import { openEngine } from './open-engine.ts';
import { prune } from './prune.ts';
import { createRag } from './rag.ts';
import { readStats } from './read-stats.ts';
import { recall } from './recall.ts';
import { remember } from './remember.ts';
import { tiers } from './store/record.ts';
import { createEpisodeTier } from './tiers/episodes.ts';
import { createCoreTier, createKnowledgeTier } from './tiers/facts.ts';
import { createPatternTier } from './tiers/patterns.ts';
import { exportLines, importLines } from './transfer.ts';

/**
 * A genie's memory. Returns at once and opens its files at the first call.
 *
 * Errors by code: `GENIE_MEMORY_OPTIONS` (now), `GENIE_MEMORY_INPUT`, `GENIE_MEMORY_CORRUPT`, `GENIE_MEMORY_VERSION`,
 * `GENIE_MEMORY_CLOSED`, `GENIE_MEMORY_STORE` (later).
 */
export function openMemory(options: MemoryOptions): Memory {
  checkOptions(options);
  const clock = options.clock ?? systemClock;
  let opening: Promise<Engine> | undefined;
  let closing: Promise<void> | undefined;
  const open = (): Promise<Engine> => {
    if (closing !== undefined) {
      return Promise.reject(
        new GenieError('GENIE_MEMORY_CLOSED', 'The memory is closed. Open it again with openMemory().'),
      );
    }
    opening ??= openEngine({ ...options, clock });
    return opening;
  };
  const background = createBackground(() => opening ?? open());
  const close = async (): Promise<void> => {
    if (opening) await closeEngine(await opening.catch(() => undefined), background);
  };
  return assemble({
    open,
    background,
    close: () => {
      closing ??= close();
      return closing;
    },
  });
}

async function closeEngine(engine: Engine | undefined, background: Background): Promise<void> {
  if (!engine) return;
  await background.finish();
  try {
    await engine.scrubber.flush();
    await saveCaches(engine);
    await engine.vectors?.close();
  } finally {
    await engine.store.close();
  }
}

/** A cache that cannot be written is built again from the records; that must not keep the memory from closing. */
async function saveCaches({ indexes, vectors }: Engine): Promise<void> {
  await indexes.save().catch(() => undefined);
  await vectors?.save().catch(() => undefined);
}

interface Parts {
  readonly open: () => Promise<Engine>;
  readonly background: Background;
  readonly close: () => Promise<void>;
}

function assemble({ open, background, close }: Parts): Memory {
  const memory: Memory = {
    async remember(items, options) {
      const inputs: readonly MemoryInput[] = Array.isArray(items) ? items : [items as MemoryInput];
      const engine = await open();
      const remembered = await remember(engine, inputs, options);
      if (engine.vectors)
        for (const namespace of new Set(inputs.map((input) => namespaceOf(input.namespace))))
          background.poke(namespace);
      return remembered;
    },
    recall: async (query, options) => recall(await open(), query, options),
    enrich: async (request, options) => enrich(await open(), request, options),
    async learn(run, options = {}) {
      const receipt = await learn(await open(), run, options);
      background.poke(namespaceOf(options.namespace));
      return receipt;
    },
    forget: async (selector, options) => forget(await open(), selector, options),
    consolidate: async (options) => consolidate(await open(), options),
    rollBack: async (operationId, { namespace } = {}) => rollBack(await open(), operationId, namespace),
    prune: async (policy) => prune(await open(), policy),
    async reindex() {
      const engine = await open();
      await engine.indexes.rebuild();
      await engine.vectors?.rebuild();
    },
    async verify() {
      const problems = await (await open()).store.verify();
      return { ok: problems.length === 0, problems };
    },
    async list(kind, { namespace: place, signal: _signal, ...options } = {}) {
      const namespace = namespaceOf(place);
      if (kind !== undefined) checkName(kind, 'kind');
      if (options.limit !== undefined) checkWhole(options.limit, 'limit');
      const isTier = tiers.some((tier) => tier === kind);
      const chosen =
        kind === undefined ? {} : isTier ? { tiers: tiers.filter((tier) => tier === kind) } : { kinds: [kind] };
      return (await open()).store.find({ namespace, status: ['live'], ...chosen, ...options });
    },
    async get(id, { namespace } = {}) {
      return (await (await open()).store.get(namespaceOf(namespace), [checkName(id, 'id')]))[0];
    },
    async *export({ namespace } = {}) {
      yield* exportLines(await open(), namespace === undefined ? undefined : namespaceOf(namespace));
    },
    import: async (lines, options) => importLines(await open(), lines, options?.signal),
    async rotateKey(next) {
      const { rotateKey } = await open();
      if (!rotateKey)
        throw new GenieError('GENIE_MEMORY_CIPHER', 'This memory is not encrypted, so it has no key to rotate.');
      await rotateKey(next);
    },
    stats: async () => readStats(await open()),
    working: {
      get: async (key) => (await open()).working.get(key),
      set: async (key, value) => (await open()).working.set(key, value),
      delete: async (key) => (await open()).working.delete(key),
    },
    core: createCoreTier(open),
    knowledge: createKnowledgeTier(open),
    episodes: createEpisodeTier(open),
    patterns: createPatternTier(open),
    history: {
      list: async () => (await open()).history.list(),
      read: async (runId) => (await open()).history.read(runId),
    },
    rag: (namespace) => createRag(memory, namespace),
    close,
    [Symbol.asyncDispose]: close,
  };
  return memory;
}

function checkOptions(options: MemoryOptions): void {
  const hasDir = typeof options.dir === 'string' && options.dir !== '';
  if (hasDir === (options.store !== undefined)) {
    throw new GenieError(
      'GENIE_MEMORY_OPTIONS',
      `openMemory needs either dir (a folder) or store, got ${hasDir ? 'both' : 'neither'}. Pass { dir: '…/memory' } or { store: ':memory:' }.`,
    );
  }
  if (options.cipher && !hasDir)
    throw new GenieError('GENIE_MEMORY_OPTIONS', 'A cipher needs a folder. Pass dir, or no cipher.');
  if (options.cipher) checkCipherOptions(options.cipher);
  if (options.durability !== undefined && options.durability !== 'process' && options.durability !== 'power') {
    throw inputError('durability', options.durability, "Pass 'process' or 'power'.");
  }
}
