// The same over HTTP: the server is somebody else's process, which is killed, started again and stopped.
import { type ChildProcess, spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMcp } from '@genie/tools/mcp';
import { callerOf, type DriveOptions, installed, realServers } from './real-servers.ts';

const script = path.join(installed, '@modelcontextprotocol/server-everything/dist/index.js');

/** Drives server-everything over Streamable HTTP or the older HTTP with events. Rejects at the first wrong step. */
export async function driveOverHttp(
  mode: 'streamableHttp' | 'sse',
  { stallMs = 20_000 }: DriveOptions = {},
): Promise<readonly string[]> {
  const everything = realServers.find(({ name }) => name === 'everything');
  if (!everything) throw new Error('everything is not listed');
  const port = await freePort();
  const place = { folder: '', page: '' };
  let server = await start(mode, port);
  const connection = await connectMcp({
    name: 'everything',
    url: `http://127.0.0.1:${port}/${mode === 'sse' ? 'sse' : 'mcp'}`,
    stallMs,
    breakerOpenMs: 300,
  });
  const steps: string[] = [];
  try {
    const call = callerOf(connection);
    await everything.use(call, place);
    steps.push('used');
    await stop(server);
    server = await start(mode, port);
    steps.push('killed');
    await everything.use(call, place);
    steps.push('used again');
    server.kill('SIGSTOP');
    const code = await everything.use(call, place).then(
      () => 'an answer',
      (error: { readonly code?: string }) => error.code,
    );
    if (code !== 'GENIE_MCP_TIMEOUT') throw new Error(`a hang gave ${code}`);
    steps.push('hung');
    server.kill('SIGCONT');
    await sleep(400);
    await everything.use(call, place);
    steps.push('used again');
    return steps;
  } catch (error) {
    throw new Error(`${mode} after ${steps.join(', ') || 'nothing'}: ${String(error)}`, { cause: error });
  } finally {
    await connection.close();
    await stop(server);
  }
}

async function start(mode: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, mode], {
    env: { PATH: process.env.PATH ?? '', PORT: String(port) },
    stdio: 'ignore',
  });
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/nothing`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer) return child;
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(`server-everything does not listen on ${port}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
