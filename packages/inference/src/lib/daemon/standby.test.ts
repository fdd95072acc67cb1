import { describe, expect, it } from 'vitest';
import type { ToWorker, WorkerTransport } from '../worker/protocol.ts';
import { Standby } from './standby.ts';

/** Processes that do nothing but be alive. */
function processes() {
  const made: { readonly sent: ToWorker[]; alive: boolean; keepsAlive: boolean; readonly die: () => void }[] = [];
  const create = (): WorkerTransport => {
    const exits: ((reason: string) => void)[] = [];
    const one = { sent: [] as ToWorker[], alive: true, keepsAlive: true, die: () => {} };
    one.die = () => {
      if (!one.alive) return;
      one.alive = false;
      for (const tell of exits) tell('SIGKILL');
    };
    made.push(one);
    return {
      pid: made.length,
      send: (message) => one.sent.push(message),
      onMessage: () => undefined,
      onExit: (listener) => exits.push(listener),
      keepAlive: (active) => {
        one.keepsAlive = active;
      },
      kill: one.die,
    };
  };
  return { made, standby: new Standby(create, { threads: 2, llamaModule: undefined }) };
}

describe('Standby', () => {
  it('has one spare with the library started, which keeps no process alive, and gives it out once', () => {
    const { made, standby } = processes();
    expect(standby.take().pid).toBe(1);
    standby.refill();
    standby.refill();
    expect(made.map(({ sent, keepsAlive }) => [sent, keepsAlive])).toEqual([
      [[], true],
      [[{ type: 'prepare', options: { threads: 2 } }], false],
    ]);
    expect([standby.take().pid, standby.take().pid]).toEqual([2, 3]);
  });

  it('forgets a spare that died', () => {
    const { made, standby } = processes();
    standby.refill();
    made[0]?.die();
    expect(standby.take().pid).toBe(2);
  });

  it('ends its spare when it is closed, but none that it gave out, and makes no other', async () => {
    const { made, standby } = processes();
    standby.take();
    standby.refill();
    await standby.close();
    await standby.close();
    standby.refill();
    expect(made.map(({ alive }) => alive)).toEqual([true, false]);
  });
});
