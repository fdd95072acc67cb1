import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { SandboxPort } from '@genie/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.ts';
import {
  type Attack,
  type AttackWorld,
  fileAttacks,
  kernelAttacks,
  networkAttacks,
  processAttacks,
} from './attacks.ts';
import { createSandbox } from './create-sandbox.ts';
import { availability } from './testing/availability.ts';

const user = process.getuid?.() === 0 ? { uid: 65532, gid: 65532 } : undefined;
const limits = { timeoutMs: 8000, maxOutputBytes: 100_000, maxProcesses: 64 };

describe.skipIf(!availability.sandbox || process.arch !== 'x64')(
  `attacks on the sandbox ${availability.sandboxReason}`,
  () => {
    let sandbox: SandboxPort;
    let world: AttackWorld;
    let victim: ChildProcess;
    const folders: TemporaryFolder[] = [];
    const servers: Server[] = [];

    beforeAll(async () => {
      const outside = temporaryFolder();
      const workspace = temporaryFolder();
      folders.push(outside, workspace);
      prepareOutside(outside);
      if (user) chownSync(workspace.path, user.uid, user.gid);
      process.env.GENIE_ATTACK_SECRET = 'from the host';
      victim = spawn('sleep', ['987'], { stdio: 'ignore', ...user });
      const abstractSocket = `genie-attack-${process.pid}`;
      const port = await listen(0);
      await listen(`\0${abstractSocket}`);
      world = { outside: outside.path, workspace: workspace.path, port, abstractSocket, victim: victim.pid ?? 0 };
      sandbox = await createSandbox({ workspace: workspace.path });
    });

    afterAll(async () => {
      await sandbox?.close();
      victim?.kill('SIGKILL');
      for (const server of servers) server.close();
      for (const folder of folders) folder[Symbol.dispose]();
      delete process.env.GENIE_ATTACK_SECRET;
    });

    async function listen(where: number | string): Promise<number> {
      const server = createServer((connection) => connection.destroy());
      servers.push(server);
      const opened = once(server, 'listening');
      if (typeof where === 'number') server.listen(where, '127.0.0.1');
      else server.listen(where);
      await opened;
      return typeof where === 'number' ? (server.address() as { port: number }).port : 0;
    }

    const inSandbox = async (attack: Attack) => {
      const result = await sandbox.run({
        command: ['/bin/sh', '-c', attack.script(world)],
        workingDirectory: '.',
        environment: {},
        limits,
      });
      return result.stdout + result.stderr;
    };

    const bare = (attack: Attack) =>
      new Promise<string>((resolve) => {
        const options = { cwd: world.workspace, timeout: 8000, ...user };
        execFile('/bin/sh', ['-c', attack.script(world)], options, (_error, stdout, stderr) =>
          resolve(stdout + stderr),
        );
      });

    for (const [group, attacks] of Object.entries({
      files: fileAttacks,
      processes: processAttacks,
      network: networkAttacks,
      kernel: kernelAttacks,
    })) {
      describe(group, () => {
        it.each(attacks)('fails: $name', async (attack) => {
          expect(await inSandbox(attack)).not.toContain('SUCCEEDED');
        });

        it('would get through without a sandbox', async () => {
          const harmless: Attack[] = [];
          for (const attack of attacks.filter((one) => one.worksBare !== false)) {
            if (!(await bare(attack)).includes('SUCCEEDED')) harmless.push(attack);
          }
          for (const attack of harmless) console.log(`without a sandbox this kernel stops it too: ${attack.name}`);
          expect(harmless.filter((attack) => attack.worksBare !== 'depends').map((attack) => attack.name)).toEqual([]);
        });
      });
    }
  },
);

function prepareOutside(outside: TemporaryFolder): void {
  chmodSync(outside.path, 0o755);
  outside.write('secret', 'top secret\n');
  writeFileSync(join(outside.path, 'mine'), 'owned by the same user\n');
  mkdirSync(join(outside.path, 'open'));
  writeFileSync(join(outside.path, 'open', 'victim'), '');
  if (user) for (const name of ['mine', 'open', 'open/victim']) chownSync(join(outside.path, name), user.uid, user.gid);
  if (!existsSync(join(outside.path, 'secret'))) throw new Error('not prepared');
}
