import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildHello } from '@genie/egress/conformance';
import { dial, median } from '../bench/load.ts';
import { type Server, startServer } from '../bench/servers.ts';
import type { SoakOptions } from './mutations.soak.ts';

const tunnels = 2_000;
const idleMs = 120_000;
const hello = buildHello({ names: ['origin.test'] });

interface Sample {
  /** Without the two of each frozen client that is not swept yet. */
  readonly descriptors: number;
  readonly heldMegabytes: number;
  readonly residentMegabytes: number;
}

/**
 * Keeps 2,000 tunnels open and in use while clients vanish, ten a second, in four ways: reset, half-closed, closed, and frozen (they
 * never say a word again). What the proxy holds at 2,000 tunnels must not grow, frozen clients must go, and nobody who is in use may
 * be dropped. Each trial is 3.6 seconds, so the default of 1,000 is an hour.
 */
export async function soak({ trials, log }: SoakOptions) {
  const origin = await startServer<{ web: number; tcp: number }>('origin');
  const { web, tcp } = origin.ports;
  const proxy = await startServer<{ port: number }>('full-proxy', [String(web), String(tcp), '', String(idleMs)]);
  const durationMs = Math.max(10_000, trials * 3_600);
  const crowd = createCrowd(proxy.ports.port, `origin.test:${tcp}`);
  const samples: Sample[] = [];
  let [atRest, ended]: [Sample | undefined, ReturnType<Crowd['count']> | undefined] = [undefined, undefined];
  try {
    await crowd.fill();
    crowd.disperse();
    await sleep(1_000);
    atRest = await takeSample(proxy, 0);
    await crowd.fill();
    const until = performance.now() + durationMs;
    const everyMs = Math.max(1_000, Math.min(30_000, durationMs / 40));
    let nextSample = performance.now() + everyMs;
    while (performance.now() < until) {
      await Promise.all([crowd.churn(2), sleep(200)]);
      crowd.talk(10);
      if (performance.now() < nextSample) continue;
      nextSample += everyMs;
      samples.push(await takeSample(proxy, crowd.count().frozen));
      log(
        `${Math.round((until - performance.now()) / 1_000)} s left: ${JSON.stringify({ ...samples.at(-1), ...crowd.count() })}`,
      );
    }
    await waitForIdle(crowd, Math.min(durationMs, idleMs * 1.5));
    ended = crowd.count();
    crowd.disperse();
    await sleep(2_000);
    samples.push(await takeSample(proxy, 0));
  } finally {
    proxy.close();
    origin.close();
  }
  if (atRest === undefined || ended === undefined) throw new Error('the soak did not come to its end');
  return report({ samples, atRest, crowd: ended, minutes: durationMs / 60_000, log });
}

interface Report {
  readonly samples: readonly Sample[];
  readonly atRest: Sample;
  readonly crowd: ReturnType<Crowd['count']>;
  readonly minutes: number;
  readonly log: (line: string) => void;
}

function report({ samples, atRest, crowd, minutes, log }: Report) {
  const end = samples.at(-1) as Sample;
  // In the first minutes frozen clients gather until as many go as come.
  const busy = samples.slice(Math.floor(samples.length / 10), -1);
  const quarter = Math.max(1, Math.floor(busy.length / 4));
  const growth = (figure: keyof Sample): number =>
    median(busy.slice(-quarter).map((one) => one[figure])) - median(busy.slice(0, quarter).map((one) => one[figure]));
  const during = `in ${minutes.toFixed(1)} min of ${tunnels} tunnels, ${crowd.vanished} clients vanished`;
  log(`resident memory grew by ${growth('residentMegabytes').toFixed(1)} MB, last quarter against first`);
  return [
    row('egress.tunnel-descriptors', `growth of descriptors ${during}`, growth('descriptors'), 'descriptors', 40),
    row('egress.tunnel-memory', `growth of what is held ${during}`, growth('heldMegabytes'), 'MB', 5),
    row(
      'egress.tunnel-left',
      'descriptors left when all are gone',
      end.descriptors - atRest.descriptors,
      'descriptors',
      10,
    ),
    row('egress.tunnel-dropped', `tunnels in use that were dropped ${during}`, crowd.dropped, 'tunnels', 0),
    row(
      'egress.tunnel-frozen',
      'frozen clients that are still held',
      crowd.frozen,
      'tunnels',
      minutes * 60_000 > idleMs * 2 ? 0 : tunnels,
    ),
  ];
}

function row(id: string, what: string, value: number, unit: string, most: number) {
  return { id, what, value: Math.round(value * 10) / 10, unit, reach: `≤ ${most}`, ok: value <= most };
}

type Crowd = ReturnType<typeof createCrowd>;

/** Clients with a tunnel each. */
function createCrowd(port: number, authority: string) {
  let open: Socket[] = [];
  const frozen = new Set<Socket>();
  const [counts, leaving] = [{ vanished: 0, dropped: 0 }, new Set<Socket>()];
  const enter = async (): Promise<void> => {
    const socket = await dial(port, { authority, hello });
    socket.on('data', () => undefined);
    socket.once('close', () => {
      if (frozen.delete(socket) || leaving.delete(socket)) return;
      counts.dropped += 1;
      open = open.filter((one) => one !== socket);
    });
    open.push(socket);
  };
  const leave = (socket: Socket): void => {
    leaving.add(socket);
    const way = counts.vanished % 4;
    counts.vanished += 1;
    if (way === 0) socket.resetAndDestroy();
    else if (way === 1) socket.end();
    else if (way === 2) socket.destroy();
    else {
      leaving.delete(socket);
      frozen.add(socket);
    }
  };
  return {
    count: () => ({ ...counts, open: open.length, frozen: frozen.size }),
    async fill() {
      while (open.length < tunnels)
        await Promise.all(Array.from({ length: Math.min(50, tunnels - open.length) }, enter));
    },
    /** The oldest vanish, others come. */
    async churn(many: number) {
      for (const socket of open.splice(0, many)) leave(socket);
      for (let missing = tunnels - open.length; missing > 0; missing -= 1) await enter();
    },
    /** A word from the next few, so that each is heard from well within the idle time. */
    talk(many: number) {
      const speakers = open.splice(0, many);
      for (const socket of speakers) socket.write('still here');
      open.push(...speakers);
    },
    disperse() {
      for (const socket of [...open.splice(0), ...frozen]) {
        leaving.add(socket);
        socket.destroy();
      }
      frozen.clear();
    },
  };
}

/** Goes on talking until the frozen ones were swept. */
async function waitForIdle(crowd: Crowd, atMostMs: number): Promise<void> {
  const until = performance.now() + atMostMs;
  while (crowd.count().frozen > 0 && performance.now() < until) {
    crowd.talk(10);
    await sleep(200);
  }
}

async function takeSample(proxy: Server<unknown>, frozen: number): Promise<Sample> {
  const { heldBytes } = await proxy.ask<{ heldBytes: number }>('memory');
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proxy.pid}/status`, 'utf8'))?.[1];
  return {
    descriptors: readdirSync(`/proc/${proxy.pid}/fd`).length - 2 * frozen,
    heldMegabytes: heldBytes / 1e6,
    residentMegabytes: Number(resident) / 1_000,
  };
}
