import { unreachable } from '../orchestrator/container-errors.ts';
import type { ContainerEvent, ContainerEventType } from '../orchestrator/orchestrator.ts';
import { labelNames } from './container-settings.ts';
import { asReadable } from './docker-client.ts';
import type { DockerDeps } from './docker-deps.ts';

const eventTypes: Readonly<Record<string, ContainerEventType>> = {
  create: 'created',
  start: 'started',
  die: 'stopped',
  pause: 'paused',
  unpause: 'unpaused',
  destroy: 'destroyed',
};

interface DockerEvent {
  readonly Action: string;
  readonly timeNano: number;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

/** Also what happens between this call and the first read: Docker is asked for everything since now. */
export function readEvents(deps: DockerDeps, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  return follow(deps, signal, (Date.now() / 1000).toFixed(3));
}

async function* follow(deps: DockerDeps, signal: AbortSignal, since: string): AsyncGenerator<ContainerEvent> {
  if (signal.aborted) return;
  const filters = JSON.stringify({
    type: ['container'],
    label: [`${labelNames.owner}=${deps.place.owner}`],
    event: Object.keys(eventTypes),
  });
  const stream = asReadable(
    await deps.call({ what: 'Following events' }, () => deps.client.getEvents({ since, filters })),
  );
  const stop = () => stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    let rest = '';
    for await (const chunk of stream.setEncoding('utf8')) {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield* toEvent(JSON.parse(line) as DockerEvent);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw unreachable(deps.where, error);
  } finally {
    signal.removeEventListener('abort', stop);
    stream.destroy();
  }
  if (!signal.aborted) throw unreachable(deps.where, new Error('the stream of events ended'));
}

function* toEvent({ Action, timeNano, Actor }: DockerEvent): Generator<ContainerEvent> {
  const type = eventTypes[Action];
  const name = Actor.Attributes[labelNames.name];
  if (type && name) yield { type, name, at: Math.floor(timeNano / 1e6) };
}
