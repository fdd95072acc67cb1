import type { Engine } from '../engine.ts';
import type { Episode, EpisodeTier } from '../memory.ts';
import { namespaceOf } from '../memory-input.ts';
import type { StoredRecord } from '../store/record.ts';

export function createEpisodeTier(open: () => Promise<Engine>): EpisodeTier {
  return {
    async recent(limit = 3, { namespace: place } = {}) {
      const namespace = namespaceOf(place);
      const { store } = await open();
      const records = await store.find({
        namespace,
        tiers: ['episodic'],
        kinds: ['episode'],
        status: ['live'],
        order: 'newest',
        limit,
      });
      return records.map(toEpisode);
    },
    async count({ namespace: place } = {}) {
      const namespace = namespaceOf(place);
      const { store } = await open();
      return (await store.find({ namespace, tiers: ['episodic'], kinds: ['episode'], status: ['live'] })).length;
    },
  };
}

function toEpisode(record: StoredRecord): Episode {
  return {
    id: record.id,
    runId: record.runId ?? '',
    summary: record.text,
    entities: textsOf(record.data?.entities),
    endedAt: record.eventTime ?? record.recordedAt,
    items: textsOf(record.data?.items),
  };
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
