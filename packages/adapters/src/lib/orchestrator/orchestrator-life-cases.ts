import { setTimeout as sleep } from 'node:timers/promises';
import { type ConformanceCase, expectCode, expectEqual, expectThat } from '@genie/core/conformance';
import type { ContainerEvent } from './orchestrator.ts';
import { idle, type OrchestratorSetup, run, say, shell, until, untilSays } from './orchestrator-setup.ts';

const badNames = ['', 'A', 'a_b', '-a', 'a-', 'a'.repeat(41), '../up', 'a b', 'ä', 'a\u202eb', 'а', 'a\0', 'a/b', '. '];

export const lifeCases: readonly ConformanceCase<OrchestratorSetup>[] = [
  {
    name: 'goes from created to running to stopped, with the exit code',
    async run({ orchestrator }) {
      const created = await orchestrator.create(shell('one', 'exit 7', { labels: { plan: 'größe "x"' } }));
      expectEqual([created.name, created.state, created.labels], ['one', 'created', { plan: 'größe "x"' }], 'created');
      await orchestrator.start('one');
      const ended = await until(orchestrator, 'one', ({ state }) => state === 'stopped');
      expectEqual([ended.exitCode, ended.labels], [7, { plan: 'größe "x"' }], 'exit code and labels');
    },
  },
  {
    name: 'makes a name once: of eight at the same time one wins',
    async run({ orchestrator, reopen }) {
      const second = await reopen();
      const tries = Array.from({ length: 8 }, (_, index) =>
        (index % 2 === 0 ? orchestrator : second).create(shell('one', idle)),
      );
      const results = await Promise.allSettled(tries);
      expectEqual(results.filter(({ status }) => status === 'fulfilled').length, 1, 'winners');
      for (const result of results)
        if (result.status === 'rejected') await expectCode(Promise.reject(result.reason), 'GENIE_CONTAINER_EXISTS');
      expectEqual((await orchestrator.list()).length, 1, 'containers');
      await second.close();
    },
  },
  {
    name: 'refuses names and specifications that lead elsewhere',
    async run({ orchestrator }) {
      for (const name of badNames) await expectCode(orchestrator.create(shell(name, idle)), 'GENIE_CONTAINER_SPEC');
      const bad = [
        { environment: { 'A=B': 'x' } },
        { environment: { A: 'x\0y' } },
        { mounts: [{ source: 'relative', target: '/x' }] },
        { mounts: [{ source: '/tmp/../etc', target: '/x' }] },
        { limits: { memoryBytes: -1 } },
      ];
      for (const more of bad) await expectCode(orchestrator.create(shell('one', idle, more)), 'GENIE_CONTAINER_SPEC');
      expectEqual(await orchestrator.list(), [], 'containers');
    },
  },
  {
    name: 'says of what does not exist that it is unknown',
    async run({ orchestrator }) {
      for (const name of ['none', '../up', 'ä']) {
        expectEqual([await orchestrator.inspect(name), await orchestrator.destroy(name)], [undefined, false], name);
        for (const work of [
          () => orchestrator.start(name),
          () => orchestrator.stop(name),
          () => orchestrator.exec(name, { command: ['/bin/true'] }),
        ])
          await expectCode((async () => work())(), 'GENIE_CONTAINER_UNKNOWN');
      }
    },
  },
  {
    name: 'lets a program end by itself when it is stopped, and stops twice without complaint',
    async run({ orchestrator }) {
      await run(
        orchestrator,
        shell(
          'one',
          'trap "echo bye > /genie/bye; exit 3" TERM; echo > /genie/up; while :; do sleep 0.05; done'.replaceAll(
            '/genie',
            '"$HOME"',
          ),
        ),
      );
      await untilSays(orchestrator, 'one', 'ls "$HOME"', /up/);
      await orchestrator.stop('one', { graceMs: 5_000 });
      await orchestrator.stop('one');
      expectEqual((await orchestrator.inspect('one'))?.exitCode, 3, 'exit code');
      await orchestrator.start('one');
      expectEqual((await say(orchestrator, 'one', 'cat "$HOME/bye"')).stdout, 'bye\n', 'what was written at the end');
    },
  },
  {
    name: 'kills what does not end in time',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', 'trap "" TERM; echo > "$HOME/up"; while :; do sleep 0.05; done'));
      await untilSays(orchestrator, 'one', 'ls "$HOME"', /up/);
      const startedAt = performance.now();
      await orchestrator.stop('one', { graceMs: 1_000 });
      const tookMs = performance.now() - startedAt;
      expectEqual((await orchestrator.inspect('one'))?.state, 'stopped', 'state');
      expectThat(tookMs > 900 && tookMs < 8_000, `it took ${tookMs} ms`);
    },
  },
  {
    name: 'starts what runs without complaint, and a stopped one again',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', `echo x >> "$HOME/starts"; ${idle}`));
      await orchestrator.start('one');
      await untilSays(orchestrator, 'one', 'cat "$HOME/starts"', /^x\n$/);
      await orchestrator.stop('one');
      await orchestrator.start('one');
      await untilSays(orchestrator, 'one', 'cat "$HOME/starts"', /^x\nx\n$/);
    },
  },
  {
    name: 'freezes every process and lets them go on',
    requires: 'pause',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', 'i=0; while :; do i=$((i+1)); echo $i > "$HOME/count"; sleep 0.02; done'));
      await untilSays(orchestrator, 'one', 'cat "$HOME/count"', /\d/);
      await orchestrator.pause('one');
      expectEqual((await orchestrator.inspect('one'))?.state, 'paused', 'state');
      await expectCode(orchestrator.exec('one', { command: ['/bin/true'] }), 'GENIE_CONTAINER_STATE');
      await orchestrator.pause('one');
      await sleep(300);
      await orchestrator.unpause('one');
      await orchestrator.unpause('one');
      const first = Number((await say(orchestrator, 'one', 'cat "$HOME/count"')).stdout);
      await untilSays(orchestrator, 'one', `n=$(cat "$HOME/count"); [ "\${n:-0}" -gt ${first} ] && echo on`, /on/);
      await orchestrator.stop('one', { graceMs: 0 });
      await expectCode(orchestrator.pause('one'), 'GENIE_CONTAINER_STATE');
    },
  },
  {
    name: 'counts no longer while it is frozen',
    requires: 'pause',
    async run({ orchestrator }) {
      // A program that notes how long each of its naps took: frozen, one nap is as long as the pause.
      await run(orchestrator, shell('one', 'while :; do date +%s%N >> "$HOME/times"; sleep 0.02; done'));
      await untilSays(orchestrator, 'one', 'cat "$HOME/times"', /\d/);
      await orchestrator.pause('one');
      await sleep(1_000);
      await orchestrator.unpause('one');
      await sleep(100);
      const { stdout } = await say(orchestrator, 'one', 'cat "$HOME/times"');
      const times = stdout
        .trim()
        .split('\n')
        .map((line) => Number(line) / 1e6);
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
      expectThat(Math.max(...gaps) > 800, `the longest nap took ${Math.max(...gaps)} ms`);
    },
  },
  {
    name: 'keeps the volume while it is stopped, and over a new container when asked to',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', `echo kept > "$HOME/file"; ${idle}`));
      await untilSays(orchestrator, 'one', 'cat "$HOME/file"', /kept/);
      expectEqual(await orchestrator.destroy('one', { keepVolume: true }), true, 'destroy');
      expectEqual(
        (await orchestrator.list()).map(({ name, state }) => [name, state]),
        [['one', 'volume-only']],
        'list',
      );
      await run(orchestrator, shell('one', idle));
      expectEqual(
        (await say(orchestrator, 'one', 'cat "$HOME/file"')).stdout,
        'kept\n',
        'file of the former container',
      );
    },
  },
  {
    name: 'removes everything with a running container, once',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', `echo old > "$HOME/file"; ${idle}`));
      expectEqual([await orchestrator.destroy('one'), await orchestrator.destroy('one')], [true, false], 'destroy');
      expectEqual([await orchestrator.list(), await orchestrator.inspect('one')], [[], undefined], 'what is left');
      await run(orchestrator, shell('one', idle));
      expectEqual((await say(orchestrator, 'one', 'ls "$HOME"')).stdout, '', 'files of the former container');
    },
  },
  {
    name: 'removes a kept volume',
    async run({ orchestrator }) {
      await orchestrator.create(shell('one', idle));
      await orchestrator.destroy('one', { keepVolume: true });
      expectEqual([await orchestrator.destroy('one'), await orchestrator.list()], [true, []], 'destroy');
    },
  },
  {
    name: 'tells what happens, in order',
    requires: 'events',
    async run({ orchestrator }) {
      const stop = new AbortController();
      const events = orchestrator.events({ signal: stop.signal });
      const seen: ContainerEvent[] = [];
      const following = (async () => {
        for await (const event of events) {
          seen.push(event);
          if (event.type === 'destroyed') stop.abort();
        }
      })();
      // A runtime that is only asked from time to time does not see what came and went in between.
      const told = async (type: ContainerEvent['type']): Promise<void> => {
        const deadline = performance.now() + 10_000;
        while (!seen.some((event) => event.type === type) && performance.now() < deadline) await sleep(20);
      };
      await run(orchestrator, shell('one', idle));
      await told('started');
      await orchestrator.stop('one');
      await told('stopped');
      await orchestrator.destroy('one');
      const late = setTimeout(() => stop.abort(), 10_000);
      await following;
      clearTimeout(late);
      expectEqual(
        seen.map(({ type, name }) => `${name} ${type}`),
        ['one created', 'one started', 'one stopped', 'one destroyed'],
        'events',
      );
      expectThat(
        seen.every(({ at }) => Math.abs(at - Date.now()) < 3_600_000),
        'an event has a time',
      );
    },
  },
  {
    name: 'goes on without whoever made it, and is found again',
    async run({ orchestrator, reopen }) {
      await run(orchestrator, shell('one', `echo up > "$HOME/up"; ${idle}`));
      await orchestrator.close();
      await orchestrator.close();
      const next = await reopen();
      expectEqual((await next.inspect('one'))?.state, 'running', 'state');
      await untilSays(next, 'one', 'cat "$HOME/up"', /up/);
      await next.stop('one');
      expectEqual(await next.destroy('one'), true, 'destroy');
      await next.close();
    },
  },
  {
    name: 'shows one owner nothing of another',
    async run({ orchestrator, openOther }) {
      const other = await openOther();
      await run(orchestrator, shell('one', idle));
      expectEqual(
        [await other.list(), await other.inspect('one'), await other.destroy('one')],
        [[], undefined, false],
        'the other',
      );
      await other.create(shell('one', idle));
      await other.destroy('one');
      await other.close();
      expectEqual((await orchestrator.inspect('one'))?.state, 'running', 'state');
    },
  },
  {
    name: 'makes nothing when the signal has aborted before',
    async run({ orchestrator }) {
      const [result] = await Promise.allSettled([
        orchestrator.create(shell('one', idle), { signal: AbortSignal.abort() }),
      ]);
      expectEqual([result?.status, await orchestrator.list()], ['rejected', []], 'create');
    },
  },
];
