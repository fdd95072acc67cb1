import type { ContainerEvent, ContainerEventType } from '../orchestrator/orchestrator.ts';
import type { ProcessFolder } from './process-folder.ts';

/** The events of local processes: of what is done here, and of processes that end by themselves. */
export interface LocalEvents {
  emit(type: ContainerEventType, name: string): void;
  follow(signal: AbortSignal): AsyncIterable<ContainerEvent>;
  close(): void;
}

interface Follower {
  readonly queue: ContainerEvent[];
  wake(): void;
}

/** Processes that another runtime started have no handle here, so they are looked at this often while somebody follows. */
const lookMs = 500;

export function createLocalEvents(folders: () => readonly ProcessFolder[]): LocalEvents {
  const followers = new Set<Follower>();
  const alive = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const emit = (type: ContainerEventType, name: string) => {
    if (type === 'started') alive.add(name);
    // The end is seen by whoever stops it and by whoever waits for the process; it is told once.
    if (type === 'stopped' && !alive.delete(name)) return;
    for (const follower of followers) {
      follower.queue.push({ type, name, at: Date.now() });
      follower.wake();
    }
  };
  const look = () => {
    for (const folder of folders()) {
      if (folder.running()) alive.add(folder.name);
      else emit('stopped', folder.name);
    }
  };
  return {
    emit,
    follow(signal) {
      let wake: () => void = () => undefined;
      const follower: Follower = { queue: [], wake: () => wake() };
      if (!signal.aborted) followers.add(follower);
      look();
      timer ??= setInterval(look, lookMs).unref();
      const waitForMore = () =>
        new Promise<void>((resolve) => {
          wake = resolve;
        });
      const stop = () => {
        followers.delete(follower);
        if (followers.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
        follower.wake();
      };
      signal.addEventListener('abort', stop, { once: true });
      return (async function* () {
        try {
          while (!signal.aborted) {
            const next = follower.queue.shift();
            if (next) yield next;
            else await waitForMore();
          }
        } finally {
          signal.removeEventListener('abort', stop);
          stop();
        }
      })();
    },
    close() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
