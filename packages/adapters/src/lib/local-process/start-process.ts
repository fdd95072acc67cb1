import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { containerFailed } from '../orchestrator/container-errors.ts';
import type { ContainerSpec } from '../orchestrator/orchestrator.ts';
import { containerMark, processStart } from './marked-processes.ts';
import type { ProcessFolder } from './process-folder.ts';

/**
 * Stays beside the program and notes how it ended. What ends the program must not end it, so it has its trap before the program starts,
 * which starts without one. It waits for a word first, so that nothing runs that is not on disk: without the word (its starter died) it
 * ends.
 */
const keeper = `read -r go || exit 0
exit_file=$1
shift
trap : TERM
"$@" </dev/null &
child=$!
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
echo "$code" > "$exit_file.new" && mv "$exit_file.new" "$exit_file"`;

/** Starts the program of a container in a process group of its own. Undefined when it runs already. */
export async function startProcess(folder: ProcessFolder, spec: ContainerSpec): Promise<ChildProcess | undefined> {
  const log = openSync(folder.log, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', keeper, 'keeper', folder.exitFile, ...spec.command], {
      cwd: spec.workingDirectory ?? folder.home,
      env: { ...baseEnvironment(folder.home), ...spec.environment, [containerMark]: folder.mark },
      detached: true,
      stdio: ['pipe', log, log],
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  } catch (error) {
    throw containerFailed(`Starting ${spec.name}`, error);
  } finally {
    closeSync(log);
  }
  const { pid = 0 } = child;
  const start = processStart(pid);
  child.stdin?.on('error', () => undefined);
  if (!folder.claimRun({ format: 1, pid, ...(start === undefined ? {} : { start }) })) {
    child.stdin?.end();
    return undefined;
  }
  child.stdin?.end('go\n');
  child.unref();
  return child;
}

/** What every program needs; nothing of the runtime's own environment is passed on. */
export function baseEnvironment(home: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
  };
}
