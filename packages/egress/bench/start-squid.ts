import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Squid {
  readonly port: number;
  close(): void;
}

/** A squid of our own on the loopback: one worker, one allowed name, no cache, no logs. A text says why there is none. */
export async function startSquid(dir: string): Promise<Squid | string> {
  const program = ['/usr/sbin/squid', '/usr/local/sbin/squid', '/usr/bin/squid'].find((path) => existsSync(path));
  if (program === undefined) return 'squid is not installed';
  const port = await freePort();
  mkdirSync(dir, { recursive: true });
  // It gives up root by itself and has to get here then.
  chmodSync(dir, 0o777);
  writeFileSync(join(dir, 'hosts'), '127.0.0.1 origin.test\n');
  writeFileSync(join(dir, 'squid.conf'), configuration(dir, port));
  const child = spawn(program, ['-N', '-f', join(dir, 'squid.conf'), '-n', `bench${port}`], { stdio: 'ignore' });
  const close = (): void => {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 100 && child.exitCode === null; tries += 1) {
    if (await answers(port)) return { port, close };
    await sleep(100);
  }
  const log = join(dir, 'cache.log');
  const why = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').at(-1) : `exit code ${child.exitCode}`;
  close();
  return `squid did not start: ${why}`;
}

function configuration(dir: string, port: number): string {
  return [
    `http_port 127.0.0.1:${port}`,
    'acl allowed dstdomain origin.test',
    'http_access allow allowed',
    'http_access deny all',
    'cache deny all',
    'cache_mem 0 MB',
    'access_log none',
    `cache_log ${dir}/cache.log`,
    `pid_filename ${dir}/squid.pid`,
    `coredump_dir ${dir}`,
    `hosts_file ${dir}/hosts`,
    'netdb_filename none',
    'pinger_enable off',
    'via off',
    'forwarded_for delete',
    'visible_hostname localhost',
    'shutdown_lifetime 0 seconds',
    '',
  ].join('\n');
}

/** The version, for the log. */
export function squidVersion(): string {
  return spawnSync('squid', ['-v'], { encoding: 'utf8' }).stdout?.split('\n')[0] ?? 'squid';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
