import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorRecord } from '@genie/core/errors';
import { fixedClock } from '@genie/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalProcessOrchestrator } from '../local-process/local-process-orchestrator.ts';
import { createContainerManager } from './container-manager.ts';
import type { Orchestrator } from './orchestrator.ts';
import { idle, run, shell, until } from './orchestrator-setup.ts';

let dir: string;
let orchestrator: Orchestrator;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'genie-manager-'));
  orchestrator = createLocalProcessOrchestrator({ dir });
});
afterEach(async () => {
  for (const { name } of await orchestrator.list()) await orchestrator.destroy(name);
  await orchestrator.close();
  rmSync(dir, { recursive: true, force: true });
});

const state = async (name: string) => (await orchestrator.inspect(name))?.state;
const manager = (more: object = {}) =>
  createContainerManager({ orchestrator, spec: (name) => shell(name, idle), ...more });

describe('createContainerManager', () => {
  it('wakes from nothing, from stopped, from paused and when it runs', async () => {
    const one = manager();
    expect((await one.wake('a')).from).toBe('none');
    expect((await one.wake('a')).from).toBe('running');
    await orchestrator.pause('a');
    expect(await one.wake('a')).toMatchObject({ from: 'paused', info: { state: 'running' } });
    await orchestrator.stop('a');
    expect((await one.wake('a')).from).toBe('stopped');
    expect(await state('a')).toBe('running');
    await one.close();
  });

  it('wakes once when many ask at the same time, and when two managers do', async () => {
    const [one, other] = [manager(), manager()];
    const woken = await Promise.all([one.wake('a'), one.wake('a'), other.wake('a'), one.wake('a')]);
    expect(woken.every(({ info }) => info.state === 'running')).toBe(true);
    expect(await orchestrator.list()).toHaveLength(1);
    await Promise.all([one.close(), other.close()]);
  });

  it('pauses, then stops what nobody uses, and nothing that is in use', async () => {
    const clock = fixedClock(0);
    const one = manager({ clock, pauseAfterMs: 1_000, stopAfterMs: 5_000 });
    await one.wake('a');
    const used = Promise.withResolvers<void>();
    const using = one.use('b', () => used.promise);
    await until(orchestrator, 'b', (info) => info.state === 'running');
    clock.advance(1_000);
    await until(orchestrator, 'a', (info) => info.state === 'paused');
    clock.advance(4_000);
    await until(orchestrator, 'a', (info) => info.state === 'stopped');
    expect(await state('b')).toBe('running');
    used.resolve();
    await using;
    clock.advance(1_000);
    await until(orchestrator, 'b', (info) => info.state === 'paused');
    await one.close();
  });

  it('wakes at a time, unless cancelled, also when the clock is set', async () => {
    const clock = fixedClock(0);
    const one = manager({ clock });
    one.wakeAt('a', 3_600_000);
    one.wakeAt('b', 3_600_000)();
    clock.advance(3_500_000);
    expect(await state('a')).toBeUndefined();
    clock.advance(100_000);
    await until(orchestrator, 'a', (info) => info.state === 'running');
    expect(await state('b')).toBeUndefined();
    await one.close();
  });

  it('starts what was killed again, and lets what ended well be', async () => {
    const one = createContainerManager({
      orchestrator,
      spec: (name) => shell(name, name === 'done' ? 'exit 0' : idle),
    });
    one.watch();
    await one.wake('done');
    await one.wake('a');
    const first = await startOf('a');
    process.kill(first, 'SIGKILL');
    await expect.poll(() => startOf('a').catch(() => first), { timeout: 10_000 }).not.toBe(first);
    expect(await state('a')).toBe('running');
    expect(await state('done')).toBe('stopped');
    await one.close();
  });

  it('gives up on what ends badly all the time, and says so', async () => {
    const warnings: ErrorRecord[] = [];
    const one = createContainerManager({
      orchestrator,
      spec: (name) => shell(name, 'exit 9'),
      maxRestarts: 2,
      onWarning: (warning) => warnings.push(warning),
    });
    one.watch();
    await one.wake('a');
    await expect
      .poll(() => warnings.map(({ code }) => code), { timeout: 10_000 })
      .toEqual(['GENIE_CONTAINER_RESTARTS']);
    await sleep(100);
    expect(await state('a')).toBe('stopped');
    await one.close();
  });

  it('clears away what belongs to no genie, also a volume without a container', async () => {
    await run(orchestrator, shell('orphan', idle));
    await orchestrator.create(shell('half', idle));
    await orchestrator.destroy('half', { keepVolume: true });
    const one = manager();
    await one.wake('kept');
    await orchestrator.create(shell('known', idle));
    expect(await one.reap((name) => name === 'known')).toEqual(['half', 'orphan']);
    expect((await orchestrator.list()).map(({ name }) => name)).toEqual(['kept', 'known']);
    await one.close();
  });
});

async function startOf(name: string): Promise<number> {
  const { readFileSync } = await import('node:fs');
  return JSON.parse(readFileSync(join(dir, 'genie', name, 'run.json'), 'utf8')).pid as number;
}
