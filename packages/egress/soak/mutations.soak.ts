import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SoakOptions {
  readonly trials: number;
  readonly log: (line: string) => void;
}

interface Sink {
  readonly port: number;
  /** Effects in the order in which they happened. */
  readonly effects: readonly string[];
  close(): void;
}

/**
 * Kills the owner of an offline queue again and again while it queues and sends. The receiver takes a key once, as receivers of
 * such queues have to; half of its answers are held back, so that many sends are cut off after they took effect.
 */
export async function soak({ trials, log }: SoakOptions) {
  const dir = mkdtempSync(join(tmpdir(), 'genie-queue-soak-'));
  const sink = await startSink();
  const queued: string[] = [];
  for (let trial = 0; trial < trials; trial += 1) {
    queued.push(...(await live(join(dir, 'queue'), sink.port, String(trial), 1 + Math.random() * 120)));
    if (trial % 50 === 49)
      log(`${trial + 1} of ${trials} lives, ${queued.length} queued, ${sink.effects.length} taken`);
  }
  await live(join(dir, 'queue'), sink.port, 'last', Number.POSITIVE_INFINITY);
  sink.close();
  rmSync(dir, { recursive: true, force: true });
  const taken = new Set(sink.effects);
  const lost = queued.filter((key) => !taken.has(key));
  const doubled = sink.effects.length - taken.size;
  const swapped = countSwapped(sink.effects);
  log(`${trials} kills, ${queued.length} queued, ${lost.length} lost, ${doubled} doubled, ${swapped} out of order`);
  return [
    row('egress.queue-lost', 'mutations lost by an offline queue that is killed', lost.length, trials),
    row('egress.queue-doubled', 'mutations that took effect twice', doubled, trials),
    row('egress.queue-order', 'mutations that took effect out of order', swapped, trials),
  ];
}

function row(id: string, what: string, value: number, trials: number) {
  return { id, what: `${what}, ${trials} kills`, value, unit: 'mutations', reach: '= 0', ok: value === 0 };
}

/** Runs the owner until it is killed after `lifeMs`, or to its end. Resolves to what it reported as queued. */
function live(dir: string, port: number, name: string, lifeMs: number): Promise<readonly string[]> {
  const child = fork(new URL('./queue-victim.ts', import.meta.url), [dir, String(port), name], {
    execArgv: ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'],
  });
  const queued: string[] = [];
  child.on('message', (message) => {
    if (message !== 'ready') queued.push(String(message));
    else if (Number.isFinite(lifeMs)) setTimeout(() => child.kill('SIGKILL'), lifeMs);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(queued));
  });
}

async function startSink(): Promise<Sink> {
  const effects: string[] = [];
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key']);
    request.resume().on('end', () => {
      if (!seen.has(key)) effects.push(key);
      seen.add(key);
      setTimeout(() => response.end('taken'), Math.random() < 0.5 ? 0 : 3);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    effects,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function countSwapped(keys: readonly string[]): number {
  const numbers = keys.map((key) => key.split('-').map(Number));
  return numbers.filter(([life = 0, index = 0], at) => {
    const [previousLife = 0, previousIndex = 0] = numbers[at - 1] ?? [];
    return at > 0 && (life < previousLife || (life === previousLife && index < previousIndex));
  }).length;
}
