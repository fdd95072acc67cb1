import { type ConformanceCase, expectEqual, expectThat } from '@genie/core/conformance';
import { idle, type OrchestratorSetup, run, say, shell, until } from './orchestrator-setup.ts';

export const isolationCases: readonly ConformanceCase<OrchestratorSetup>[] = [
  {
    name: 'declares what it does and what it does not stop',
    async run({ orchestrator: { capabilities } }) {
      expectThat(['in-process', 'proxy', 'contained'].includes(capabilities.grade), `grade is ${capabilities.grade}`);
      expectThat(capabilities.isolates || capabilities.grade !== 'contained', '"contained" without isolation');
      expectThat(capabilities.doesNotStop.length > 0, 'it claims to stop everything');
    },
  },
  {
    name: 'runs nobody as root, without rights and without a way to get them',
    requires: 'isolates',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const { stdout } = await say(
        orchestrator,
        'one',
        'id -u; id -g; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status',
      );
      expectThat(!/^0$/m.test(stdout), `somebody is root: ${stdout}`);
      expectThat(/NoNewPrivs:\s*1/.test(stdout), 'new privileges are possible');
      const rights = [...stdout.matchAll(/^Cap(?:Prm|Eff|Bnd|Amb|Inh):\s*(\w+)$/gm)].map(([, value]) => value);
      expectThat(rights.length >= 4 && rights.every((value) => /^0+$/.test(value ?? '')), `rights are left: ${stdout}`);
    },
  },
  {
    name: 'has a root file system that cannot be changed',
    requires: 'isolates',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const { stdout } = await say(
        orchestrator,
        'one',
        'for f in /a /usr/bin/a /etc/a /opt/a /var/a /run/a; do (echo x > $f) 2>/dev/null && echo "wrote $f"; done; echo x > "$HOME/a" && echo home; echo x > /tmp/a && echo tmp',
      );
      expectEqual(stdout, 'home\ntmp\n', 'what could be written');
    },
  },
  {
    name: 'shows no process and no interface but its own',
    requires: 'isolates',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle));
      const { stdout } = await say(orchestrator, 'one', 'ls -d /proc/[0-9]* | wc -l; cat /proc/net/dev');
      expectThat(Number(stdout.split('\n')[0]) < 12, `processes: ${stdout}`);
      expectEqual(
        [...stdout.matchAll(/^\s*([^\s|]+):/gm)].map(([, name]) => name),
        ['lo'],
        'interfaces',
      );
    },
  },
  {
    name: 'keeps to its limit of memory, and says so',
    requires: 'limits',
    async run({ orchestrator }) {
      const eats = 'x=a; while :; do x="$x$x"; done';
      await run(orchestrator, shell('one', eats, { limits: { memoryBytes: 64 * 2 ** 20 } }));
      const ended = await until(orchestrator, 'one', ({ state }) => state === 'stopped');
      expectThat(ended.exitCode !== 0, 'it ended well');
      expectEqual(ended.outOfMemory, true, 'outOfMemory');
    },
  },
  {
    name: 'keeps to its limit of processes',
    requires: 'limits',
    async run({ orchestrator }) {
      await run(orchestrator, shell('one', idle, { limits: { maxProcesses: 24 } }));
      const { stdout } = await say(
        orchestrator,
        'one',
        'i=0; while [ $i -lt 60 ]; do sleep 3 & i=$((i+1)); done 2>/dev/null; ls -d /proc/[0-9]* | wc -l',
      );
      expectThat(!(Number(stdout.trim()) > 30), `${stdout.trim()} processes ran`);
    },
  },
];
