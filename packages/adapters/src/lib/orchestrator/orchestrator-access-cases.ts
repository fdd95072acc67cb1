import { setTimeout as sleep } from 'node:timers/promises';
import { type ConformanceCase, expectCode, expectEqual, expectThat } from '@genie/core/conformance';
import type { Orchestrator } from './orchestrator.ts';
import { idle, logText, type OrchestratorSetup, run, say, shell, until, untilSays } from './orchestrator-setup.ts';

let marks = 0;
/** A number of seconds nobody else sleeps. */
const uniqueSleep = () => `${80_000 + process.pid}.${++marks}`;
/** Programs with this very argument; the brackets keep the search from finding itself. */
const countSleeps = (mark: string) =>
  `grep -lzxE '[${mark.slice(0, 1)}]${mark.slice(1)}' /proc/[0-9]*/cmdline 2>/dev/null | wc -l`;

export const accessCases: readonly ConformanceCase<OrchestratorSetup>[] = [
  {
    name: 'runs a program inside, with both outputs and its exit code',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      expectEqual(
        await say(orchestrator, 'one', 'echo out; echo err >&2; exit 7'),
        { exitCode: 7, stdout: 'out\n', stderr: 'err\n' },
        'program',
      );
      const plain = await orchestrator.exec('one', { command: ['/bin/echo', '$HOME', '; exit 3'] });
      let text = '';
      for await (const { data } of plain.output) text += new TextDecoder().decode(data);
      expectEqual([text, (await plain.ended).exitCode], ['$HOME ; exit 3\n', 0], 'no shell in between');
      await plain.close();
    },
  },
  {
    name: 'passes input, environment and folder to a program inside',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const environment = { GREETING: 'a b\n"c" $HOME ü' };
      const options = { environment, workingDirectory: '/', stdin: 'hällo\n' };
      const { stdout } = await say(orchestrator, 'one', 'cat; echo "$GREETING"; pwd', options);
      expectEqual(stdout, 'hällo\na b\n"c" $HOME ü\n/\n', 'output');
    },
  },
  {
    name: 'gives its own program the environment of the specification',
    async run({ orchestrator }) {
      const environment = { GREETING: 'a b\n"c" $HOME ü' };
      await run(orchestrator, shell('one', `echo "$GREETING" > "$HOME/said"; ${idle}`, { environment }));
      await untilSays(orchestrator, 'one', 'cat "$HOME/said"', /^a b\n"c" \$HOME ü\n$/);
    },
  },
  {
    name: 'bears a megabyte through a program, byte for byte',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const session = await orchestrator.exec('one', { command: ['/bin/cat'] });
      const sent = new Uint8Array(1_000_000).map((_, index) => (index * 7) % 256);
      const writing = session.write(sent).then(() => session.end());
      const chunks: Uint8Array[] = [];
      for await (const { data } of session.output) chunks.push(data);
      await writing;
      expectThat(Buffer.concat(chunks).equals(sent), 'what came back is not what was sent');
      await session.close();
    },
  },
  {
    name: 'ends a session with everything it started',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const mark = uniqueSleep();
      const session = await orchestrator.exec('one', {
        command: ['/bin/sh', '-c', `trap "" HUP TERM; setsid sleep ${mark} & sleep ${mark}`],
      });
      await untilSays(orchestrator, 'one', countSleeps(mark), /^[2-9]/);
      await session.close();
      await session.close();
      await untilSays(orchestrator, 'one', countSleeps(mark), /^0/);
      expectEqual((await orchestrator.inspect('one'))?.state, 'running', 'the container');
    },
  },
  {
    name: 'ends a session at an abort',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const mark = uniqueSleep();
      const stop = new AbortController();
      await orchestrator.exec('one', { command: ['/bin/sleep', mark], signal: stop.signal });
      await untilSays(orchestrator, 'one', countSleeps(mark), /^[1-9]/);
      stop.abort();
      await untilSays(orchestrator, 'one', countSleeps(mark), /^0/);
    },
  },
  {
    name: 'runs no program in a container that is stopped',
    async run({ orchestrator }) {
      await orchestrator.create(shell('one', idle));
      await expectCode(orchestrator.exec('one', { command: ['/bin/true'] }), 'GENIE_CONTAINER_STATE');
    },
  },
  {
    name: 'opens a terminal of the size asked for, and changes it',
    requires: 'terminal',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const session = await orchestrator.exec('one', { command: ['/bin/sh'], terminal: { columns: 91, rows: 31 } });
      const seen = { text: '' };
      const reading = (async () => {
        for await (const { data } of session.output) seen.text += new TextDecoder().decode(data);
      })();
      const untilSeen = async (wanted: string) => {
        for (let tries = 0; tries < 100 && !seen.text.includes(wanted); tries += 1) await sleep(50);
        expectThat(seen.text.includes(wanted), `${JSON.stringify(wanted)} is not in ${JSON.stringify(seen.text)}`);
      };
      await session.write('stty size; test -t 0 && echo tty-yes\n');
      await untilSeen('31 91');
      await untilSeen('\ntty-yes');
      await session.resize(120, 40);
      await session.write('stty size\n');
      await untilSeen('40 120');
      await session.write('exit 5\n');
      await reading;
      expectEqual((await session.ended).exitCode, 5, 'exit code');
      await session.close();
    },
  },
  {
    name: 'keeps what its program printed, oldest first',
    requires: 'logs',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', 'echo first; echo second >&2; echo third'));
      await until(orchestrator, 'one', ({ state }) => state === 'stopped');
      const lines = (await logText(orchestrator, 'one')).trim().split('\n');
      expectEqual([...lines].sort(), ['first', 'second', 'third'], 'lines');
      expectThat(lines.indexOf('first') < lines.indexOf('third'), 'the order is lost');
      expectEqual((await logText(orchestrator, 'one', 1)).trim().split('\n').length, 1, 'lines of a tail of one');
    },
  },
  {
    name: 'measures what it uses',
    requires: 'stats',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', 'i=0; while :; do i=$((i+1)); done'));
      await sleep(400);
      const stats = await orchestrator.stats('one');
      expectThat(
        stats.memoryBytes > 0 && stats.processes >= 1 && stats.cpuMs > 10,
        `stats are ${JSON.stringify(stats)}`,
      );
      await orchestrator.stop('one', { graceMs: 0 });
      await expectCode(orchestrator.stats('one'), 'GENIE_CONTAINER_STATE');
    },
  },
  {
    name: 'looks whether it is healthy',
    requires: 'health',
    async run({ orchestrator }) {
      const command = ['/bin/sh', '-c', 'test ! -e "$HOME/ill"'] as const;
      await run(orchestrator, shell('one', idle, { health: { command, intervalMs: 200, retries: 2 } }));
      await until(orchestrator, 'one', ({ health }) => health === 'healthy');
      await say(orchestrator, 'one', 'touch "$HOME/ill"');
      await until(orchestrator, 'one', ({ health }) => health === 'unhealthy');
    },
  },
  {
    name: 'archives the home while it runs',
    run: ({ orchestrator }) => archiveHome(orchestrator, 'running'),
  },
  {
    name: 'archives the home when it is stopped',
    requires: 'archivesStopped',
    run: ({ orchestrator }) => archiveHome(orchestrator, 'stopped'),
  },
];

async function archiveHome(orchestrator: Orchestrator, state: 'running' | 'stopped'): Promise<void> {
  await run(orchestrator, shell('one', `mkdir "$HOME/sub"; printf 'unusual words' > "$HOME/sub/file.txt"; ${idle}`));
  await untilSays(orchestrator, 'one', 'cat "$HOME/sub/file.txt"', /words/);
  if (state === 'stopped') await orchestrator.stop('one');
  const chunks: Uint8Array[] = [];
  for await (const chunk of orchestrator.archiveVolume('one')) chunks.push(chunk);
  const tar = Buffer.concat(chunks).toString('latin1');
  expectThat(tar.includes('genie/sub/file.txt') && tar.includes('unusual words'), 'the archive lacks the file');
  expectThat(tar.length % 512 === 0 && tar.slice(257, 262) === 'ustar', 'it is no tar');
}
