import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConformanceSetup, runConformance } from '@genie/core/conformance';
import { describe, expect, it } from 'vitest';
import { createLocalProcessOrchestrator } from '../local-process/local-process-orchestrator.ts';
import type { ContainerSession, ContainerSpec, ExecOptions, Orchestrator } from './orchestrator.ts';
import { type OrchestratorSetup, shell } from './orchestrator-setup.ts';
import { orchestratorSuite } from './orchestrator-suite.ts';

type Break = (orchestrator: Orchestrator) => Partial<Orchestrator>;

async function setup(breakIt: Break = () => ({})): Promise<ConformanceSetup<OrchestratorSetup>> {
  const dir = mkdtempSync(join(tmpdir(), 'genie-local-'));
  const real = createLocalProcessOrchestrator({ dir, owner: 'one' });
  const broken = (orchestrator: Orchestrator): Orchestrator => ({ ...orchestrator, ...breakIt(orchestrator) });
  const orchestrator = broken(real);
  const open = async (owner: string) => broken(createLocalProcessOrchestrator({ dir, owner }));
  return {
    setup: { orchestrator, reopen: () => open('one'), openOther: () => open('other') },
    capabilities: new Set(
      Object.entries(orchestrator.capabilities).flatMap(([name, value]) => (value === true ? [name] : [])),
    ),
    async close() {
      for (const owner of ['one', 'other']) {
        const cleaner = createLocalProcessOrchestrator({ dir, owner });
        for (const { name } of await cleaner.list()) await cleaner.destroy(name);
        await cleaner.close();
      }
      await real.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const spec =
  (change: (spec: ContainerSpec) => ContainerSpec): Break =>
  (real) => ({ create: (one, options) => real.create(change(one), options) });
const exec =
  (change: (options: ExecOptions) => ExecOptions): Break =>
  (real) => ({ exec: (name, options) => real.exec(name, change(options)) });
const session =
  (change: (session: ContainerSession) => Partial<ContainerSession>): Break =>
  (real) => ({
    async exec(name, options) {
      const opened = await real.exec(name, options);
      return { ...opened, ...change(opened) };
    },
  });
const claims =
  (names: readonly string[], more: Break = () => ({})): Break =>
  (real) => ({
    ...more(real),
    capabilities: { ...real.capabilities, ...Object.fromEntries(names.map((name) => [name, true])) },
  });
const nothing = async () => undefined;
async function* emptyTar() {
  yield new Uint8Array(1024);
}
const prints = (text: string) => exec((options) => ({ ...options, command: ['/bin/echo', text] }));

/** A broken orchestrator for each case, in the order of the suite. */
const mutants: readonly (readonly [string, Break])[] = [
  [
    'goes from created to running',
    (real) => ({ inspect: async (name) => ({ ...(await real.inspect(name)), exitCode: 0 }) as never }),
  ],
  [
    'makes a name once',
    (real) => ({ create: (one) => real.create(one).catch(async () => (await real.inspect(one.name)) as never) }),
  ],
  [
    'refuses names and specifications',
    (real) => ({ create: (one) => real.create({ ...one, name: one.name.replace(/[^a-z]/g, '').slice(0, 20) || 'x' }) }),
  ],
  ['says of what does not exist', () => ({ start: nothing })],
  ['lets a program end by itself', () => ({ stop: nothing })],
  ['kills what does not end', (real) => ({ stop: (name) => real.stop(name, { graceMs: 0 }) })],
  [
    'starts what runs without complaint',
    (real) => ({
      async start(name) {
        await real.stop(name, { graceMs: 0 });
        await real.start(name);
      },
    }),
  ],
  ['freezes every process', () => ({ pause: nothing })],
  ['counts no longer', () => ({ pause: nothing, unpause: nothing })],
  ['keeps the volume', (real) => ({ destroy: (name) => real.destroy(name) })],
  ['removes everything', (real) => ({ destroy: (name) => real.destroy(name, { keepVolume: true }) })],
  ['removes a kept volume', (real) => ({ destroy: (name) => real.destroy(name, { keepVolume: true }) })],
  [
    'tells what happens',
    (real) => ({ destroy: (name) => real.stop(name).then(() => real.destroy(name)), stop: nothing, start: nothing }),
  ],
  [
    'goes on without whoever made it',
    (real) => ({
      async close() {
        for (const { name } of await real.list()) await real.stop(name);
      },
    }),
  ],
  [
    'shows one owner nothing',
    () => ({ list: async () => [{ name: 'one', id: '', state: 'created', health: 'none', labels: {} }] }),
  ],
  ['makes nothing when the signal', (real) => ({ create: (one) => real.create(one) })],
  ['runs a program inside', session(() => ({ ended: Promise.resolve({ exitCode: 0 }) }))],
  ['passes input, environment', exec(({ environment: _dropped, ...options }) => options)],
  ['gives its own program', spec(({ environment: _dropped, ...one }) => one)],
  ['bears a megabyte', session((opened) => ({ write: (data) => opened.write(String(data)) }))],
  ['ends a session with everything', session(() => ({ close: nothing }))],
  ['ends a session at an abort', exec(({ signal: _dropped, ...options }) => options)],
  [
    'runs no program in a container that is stopped',
    (real) => ({ exec: (name, options) => real.start(name).then(() => real.exec(name, options)) }),
  ],
  ['opens a terminal', session(() => ({ resize: nothing }))],
  [
    'keeps what its program printed',
    () => ({
      async *logs() {
        yield { stream: 'stdout', data: new TextEncoder().encode('third\nsecond\nfirst\n') };
      },
    }),
  ],
  ['measures what it uses', () => ({ stats: async () => ({ memoryBytes: 0, processes: 0, cpuMs: 0 }) })],
  ['looks whether it is healthy', spec(({ health: _dropped, ...one }) => one)],
  ['archives the home while', () => ({ archiveVolume: emptyTar })],
  ['archives the home when', () => ({ archiveVolume: emptyTar })],
  ['declares what it does', (real) => ({ capabilities: { ...real.capabilities, grade: 'contained' } })],
  ['runs nobody as root', claims(['isolates'], prints('0'))],
  ['has a root file system', claims(['isolates'], prints('wrote /a'))],
  ['shows no process and no interface', claims(['isolates'], prints('400\n  lo: 1\n  eth0: 1'))],
  [
    'keeps to its limit of memory',
    claims(
      ['limits'],
      spec((one) => shell(one.name, 'exit 1')),
    ),
  ],
  ['keeps to its limit of processes', claims(['limits'], prints('61'))],
];

describe('orchestratorSuite', { timeout: 120_000 }, () => {
  it('is kept by local processes, as far as they claim', async () => {
    const report = await runConformance(orchestratorSuite, setup);
    const unsupported = report.results.filter(({ status }) => status === 'unsupported');
    for (const { name, reason } of unsupported) console.log(`unsupported: ${name}: ${reason}`);
    expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(unsupported).toHaveLength(5);
  });

  it('has a broken orchestrator for every case', () => {
    expect(mutants.map(([name], index) => orchestratorSuite.cases[index]?.name.startsWith(name) ?? name)).toEqual(
      orchestratorSuite.cases.map(() => true),
    );
  });

  it.concurrent.each(mutants)('catches one that breaks: %s', async (name, breakIt) => {
    const cases = orchestratorSuite.cases.filter((one) => one.name.startsWith(name));
    const report = await runConformance({ ...orchestratorSuite, cases }, () => setup(breakIt), { timeoutMs: 5_000 });
    expect(report.results.map(({ status }) => status)).toEqual(['failed']);
  });
});
