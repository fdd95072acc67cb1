import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ContainerSpec } from '../../orchestrator/orchestrator.ts';

/** A genie that reads a git checkout, to be run in a container from the sources of this workspace. */
export interface GenieJob {
  readonly home: string;
  /** The first attempt runs the genie; a later one goes on with what was cut off. */
  spec(name: string, attempt: number): ContainerSpec;
  /** Runs the command line on the host, for a look at the home. */
  genie(args: readonly string[]): string;
  remove(): void;
}

const workspace = new URL('../../../../../../', import.meta.url).pathname.replace(/\/$/, '');
const user = 65_532;

export function createGenieJob(commits: readonly string[]): GenieJob {
  const folder = mkdtempSync(join(tmpdir(), 'genie-job-'));
  const checkout = join(folder, 'checkout');
  const home = join(folder, 'homes', 'news');
  mkdirSync(checkout, { recursive: true });
  const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: checkout, stdio: 'pipe' });
  git('init', '--quiet');
  for (const message of commits) {
    writeFileSync(join(checkout, `${message.replace(/\W+/g, '-')}.md`), `${message}\n`);
    git('add', '--all');
    git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', 'commit', '--quiet', '--message', message);
  }
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, 'genie.json'),
    JSON.stringify({
      format: 1,
      id: 'genie_news',
      goal: 'Brief me on what changed',
      createdAt: 1_767_225_600_000,
      models: { planning: 'offline', execution: 'offline' },
      sources: [{ kind: 'git', location: checkout }],
    }),
  );
  own(folder);
  const main = join(workspace, 'packages/cli/src/main.ts');
  const node = ['node', '--conditions=@genie/source', '--disable-warning=ExperimentalWarning', main];
  return {
    home,
    spec: (name, attempt) => ({
      name,
      command:
        attempt === 0
          ? ['node', ...node.slice(1), 'run', '--home', home]
          : [
              '/bin/sh',
              '-c',
              `${node.join(' ')} resume --home ${home} --all && exec ${node.join(' ')} run --home ${home}`,
            ],
      environment: { OLLAMA_HOST: '127.0.0.1:1' },
      limits: { memoryBytes: 2 ** 30, cpus: 2 },
      mounts: [
        { source: workspace, target: workspace },
        { source: checkout, target: checkout },
        { source: home, target: home, readOnly: false },
      ],
    }),
    genie: (args) =>
      execFileSync(process.execPath, [...node.slice(1), ...args], {
        env: { HOME: folder, OLLAMA_HOST: '127.0.0.1:1', PATH: '/usr/bin:/bin' },
        stdio: ['ignore', 'pipe', 'pipe'],
      }).toString(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The user inside has to own what it writes, and git asks who owns a checkout. */
function own(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    chownSync(join(entry.parentPath, entry.name), user, user);
  for (const one of [folder, dirname(folder)]) if (one.includes('genie-job-')) chownSync(one, user, user);
}
