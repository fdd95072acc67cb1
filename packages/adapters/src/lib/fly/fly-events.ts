import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerEvent, ContainerEventType } from '../orchestrator/orchestrator.ts';
import { type FlyDeps, machinesOf } from './fly-deps.ts';
import { metadataNames } from './fly-machine.ts';

const eventTypes: Readonly<Record<string, ContainerEventType>> = {
  launch: 'created',
  start: 'started',
  exit: 'stopped',
  suspend: 'paused',
  resume: 'unpaused',
};

/** The API has no stream: the machines are looked at again and again, and what is new in their own lists of events is told. */
export async function* followMachines(deps: FlyDeps, signal: AbortSignal): AsyncGenerator<ContainerEvent> {
  const seen = new Set<string>();
  let names = new Map<string, string>();
  const startedAt = Date.now() - 1_000;
  while (!signal.aborted) {
    const found = await machinesOf(deps);
    const fresh = found.flatMap(({ config, events = [] }) => {
      const name = config?.metadata?.[metadataNames.name] ?? '';
      return events
        .filter(({ id, timestamp }) => timestamp >= startedAt && !seen.has(id))
        .map((event) => ({ ...event, name }));
    });
    for (const { id, type, timestamp, name } of fresh.sort((one, other) => one.timestamp - other.timestamp)) {
      seen.add(id);
      const known = eventTypes[type];
      if (known) yield { type: known, name, at: timestamp };
    }
    const now = new Map(found.map(({ id, config }) => [id, config?.metadata?.[metadataNames.name] ?? '']));
    for (const [id, name] of names) if (!now.has(id)) yield { type: 'destroyed', name, at: Date.now() };
    names = now;
    await sleep(deps.pollMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
