import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { buildHello } from '@genie/egress/conformance';
import { dial } from '../bench/load.ts';
import { startServer } from '../bench/servers.ts';
import type { SoakOptions } from './mutations.soak.ts';

const tunnels = 2_000;

/**
 * Opens 2,000 tunnels, exchanges a little on each, and lets the clients vanish in three ways; again and again. What the proxy
 * holds afterwards, in memory and descriptors, must not grow. One cycle for each hundred trials, at least three.
 */
export async function soak({ trials, log }: SoakOptions) {
  const origin = await startServer<{ web: number; tcp: number }>('origin');
  const proxy = await startServer<{ port: number }>('full-proxy', [String(origin.ports.web), String(origin.ports.tcp)]);
  const usage: { descriptors: number; megabytes: number }[] = [];
  const cycles = Math.max(3, Math.ceil(trials / 100));
  try {
    for (let cycle = 0; cycle <= cycles; cycle += 1) {
      await openAndVanish(proxy.ports.port, `origin.test:${origin.ports.tcp}`);
      await settle(proxy.pid);
      usage.push({
        descriptors: countDescriptors(proxy.pid),
        megabytes: (await proxy.ask<{ heldBytes: number }>('memory')).heldBytes / 1e6,
      });
      log(`cycle ${cycle}: ${JSON.stringify(usage.at(-1))}`);
    }
  } finally {
    proxy.close();
    origin.close();
  }
  // The first cycle warms up.
  const [first, last] = [usage[1], usage.at(-1)];
  const descriptors = (last?.descriptors ?? 0) - (first?.descriptors ?? 0);
  const megabytes = (last?.megabytes ?? 0) - (first?.megabytes ?? 0);
  return [
    {
      id: 'egress.tunnel-descriptors',
      what: `descriptors left over after ${cycles} × ${tunnels} tunnels`,
      value: descriptors,
      unit: 'descriptors',
      reach: '≤ 10',
      ok: descriptors <= 10,
    },
    {
      id: 'egress.tunnel-memory',
      what: `growth of what is held in memory over ${cycles} × ${tunnels} tunnels`,
      value: Math.round(megabytes * 10) / 10,
      unit: 'MB',
      reach: '≤ 5',
      ok: megabytes <= 5,
    },
  ];
}

async function openAndVanish(port: number, authority: string): Promise<void> {
  const hello = buildHello({ names: ['origin.test'] });
  const sockets: Socket[] = [];
  for (let batch = 0; batch < tunnels / 50; batch += 1) {
    sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => dial(port, { authority, hello })))));
  }
  for (const [index, socket] of sockets.entries()) {
    if (index % 3 === 0) socket.resetAndDestroy();
    else if (index % 3 === 1) socket.end();
    else socket.destroy();
  }
}

async function settle(pid: number): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    const before = countDescriptors(pid);
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (round > 4 && countDescriptors(pid) === before) return;
  }
}

function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
