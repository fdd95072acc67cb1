import { type ChildProcess, fork } from 'node:child_process';

export interface Server<Ports> {
  readonly ports: Ports;
  readonly pid: number;
  /** Sends a message and waits for the answer. */
  ask<T>(message: string): Promise<T>;
  close(): void;
}

/** Starts one of the servers in a process of its own and waits for its ports. */
export async function startServer<Ports>(name: string, args: readonly string[] = []): Promise<Server<Ports>> {
  const child: ChildProcess = fork(new URL(`./servers/${name}.ts`, import.meta.url), [...args], {
    execArgv: ['--conditions=@genie/source', '--expose-gc', '--disable-warning=ExperimentalWarning'],
  });
  const ports = await new Promise<Ports>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Ports));
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  return { ports, pid: child.pid ?? 0, ask: (message) => ask(child, message), close: () => void child.kill() };
}

function ask<T>(child: ChildProcess, message: string): Promise<T> {
  return new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as T));
    child.send(message);
  });
}
