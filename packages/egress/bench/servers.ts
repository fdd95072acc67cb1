import { type ChildProcess, fork } from 'node:child_process';

export interface Server<Ports> {
  readonly ports: Ports;
  readonly pid: number;
  close(): void;
}

/** Starts one of the servers in a process of its own and waits for its ports. */
export async function startServer<Ports>(name: string, args: readonly string[] = []): Promise<Server<Ports>> {
  const child: ChildProcess = fork(new URL(`./servers/${name}.ts`, import.meta.url), [...args], {
    execArgv: ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'],
  });
  const ports = await new Promise<Ports>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Ports));
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  return { ports, pid: child.pid ?? 0, close: () => void child.kill() };
}
