import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createEgress, startProxy } from '@genie/egress';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import { idle, run, say, shell } from '../orchestrator/orchestrator-setup.ts';
import { createDockerOrchestrator } from './docker-orchestrator.ts';
import { prepareEgressFolder } from './egress-folder.ts';
import { dockerForTests } from './testing/docker-for-tests.ts';
import { escapeAttacks } from './testing/escape-attacks.ts';

const docker = dockerForTests();

async function listen(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

describe.skipIf(docker.image === undefined)(`a container and the network ${docker.reason}`, { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'genie-egress-'));
  const owner = `test-${randomUUID().slice(0, 8)}`;
  const abstractSocket = `genie-${randomUUID()}`;
  const hostFile = join(dir, 'host-file');
  const closers: (() => unknown)[] = [];
  let orchestrator: Orchestrator;
  let allowedPort = 0;
  let hostPort = 0;
  let arrived = 0;

  beforeAll(async () => {
    writeFileSync(hostFile, 'secret', { mode: 0o644 });
    const allowed = createServer((_request, response) => response.end('hello from outside'));
    allowedPort = await listen(allowed, '127.0.0.1');
    const host = createServer((_request, response) => response.end('host'));
    host.on('connection', () => {
      arrived += 1;
    });
    hostPort = await listen(host, '0.0.0.0');
    const echo = createSocket('udp4');
    echo.on('message', (message, { port, address }) => {
      arrived += 1;
      echo.send(message, port, address);
    });
    await new Promise<void>((resolve) => echo.bind(hostPort, '0.0.0.0', resolve));
    const abstract = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => abstract.listen(`\0${abstractSocket}`, resolve));
    const door = await prepareEgressFolder(dir);
    const egress = createEgress({ allow: [`127.0.0.1:${allowedPort}`], allowPrivate: [`127.0.0.1:${allowedPort}`] });
    const proxy = await startProxy(egress, { socket: door.socket });
    await door.share();
    orchestrator = await createDockerOrchestrator({ image: docker.image ?? '', owner });
    closers.push(
      () => allowed.close(),
      () => host.close(),
      () => abstract.close(),
      () => echo.close(),
      () => proxy.close(),
      () => egress.close(),
    );
    await run(orchestrator, shell('inside', idle, { egress: door.folder }));
    await run(
      orchestrator,
      shell('beside', `node -e "require('net').createServer().listen(7000, '0.0.0.0')" & ${idle}`),
    );
  });
  afterAll(async () => {
    for (const { name } of (await orchestrator?.list()) ?? []) await orchestrator.destroy(name);
    for (const close of closers) await close();
    rmSync(dir, { recursive: true, force: true });
  });

  const ask = (url: string) =>
    say(orchestrator, 'inside', 'node -e "$SCRIPT"', {
      environment: {
        SCRIPT: `fetch('${url}').then(async (r) => console.log(r.status, await r.text()), (e) => console.log(String(e.cause)))`,
      },
    });

  it('reaches what the proxy allows, through its door', async () => {
    expect((await ask(`http://127.0.0.1:${allowedPort}/`)).stdout).toBe('200 hello from outside\n');
  });

  it('reaches nothing else through it', async () => {
    expect((await ask(`http://127.0.0.1:${hostPort}/`)).stdout).toMatch(/cancelled|403/i);
    expect(arrived).toBe(0);
  });

  it('has no other way out, whatever a program tries', async () => {
    const hostAddresses = Object.values(networkInterfaces()).flatMap((list = []) =>
      list.filter(({ family }) => family === 'IPv4').map(({ address }) => address),
    );
    const attacks = escapeAttacks({
      hostAddresses: [...new Set(hostAddresses)],
      port: hostPort,
      abstractSocket,
      hostFile,
    });
    const script = attacks.map(({ name, script }) => `r=$( (${script}) 2>/dev/null ); echo "${name}: $r"`).join('\n');
    const { stdout } = await say(orchestrator, 'inside', script);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(attacks.map(({ name }) => `${name}:`));
    expect(arrived).toBe(0);
    // On the host, where nothing holds them, they work.
    const outside = attacks.filter(({ worksOutside }) => worksOutside && process.getuid?.() === 0);
    const lines = outside.map(({ name, script }) => `r=$( (${script}) 2>/dev/null ); echo "${name}: $r"`).join('\n');
    const { stdout: printed } = await promisify(execFile)('/bin/sh', ['-c', lines]);
    const said = printed.trim().split('\n');
    expect(said.filter((line) => !line.endsWith('SUCCEEDED'))).toEqual([]);
  });

  it('does not reach another container', async () => {
    const { stdout } = await say(
      orchestrator,
      'beside',
      'hostname -I 2>/dev/null; cat /proc/net/fib_trie | grep -oE "172[0-9.]+|10\\.[0-9.]+"',
    );
    expect(stdout.trim()).toBe('');
  });
});
