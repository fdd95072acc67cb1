import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxConformance } from '@genie/tools/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { createDockerSandbox } from './docker-sandbox.ts';
import { dockerForTests } from './testing/docker-for-tests.ts';
import { runInParts } from './testing/run-in-parts.ts';

const docker = dockerForTests();

describe.skipIf(docker.image === undefined)(`createDockerSandbox ${docker.reason}`, { timeout: 120_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'genie-docker-sandbox-'));
  chmodSync(root, 0o755);
  const secretFile = join(root, 'secret-file');
  writeFileSync(secretFile, 'secret', { mode: 0o644 });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('keeps the promises of a sandbox', async () => {
    const results = await runInParts(sandboxConformance, 3, async () => {
      const workspace = mkdtempSync(join(root, 'workspace-'));
      if (process.getuid?.() === 0) chownSync(workspace, 65_532, 65_532);
      const sandbox = await createDockerSandbox({
        image: docker.image ?? '',
        workspace,
        owner: `test-${randomUUID().slice(0, 8)}`,
      });
      return {
        setup: { sandbox, workspace, secretFile, hostVariables: Object.keys(process.env) },
        capabilities: new Set(
          Object.entries(sandbox.capabilities).flatMap(([name, value]) => (value === true ? [name] : [])),
        ),
        close: () => sandbox.close(),
      };
    });
    if (process.env.SHOW_TIMES) for (const { name, tookMs } of results) console.log(Math.round(tookMs), name);
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });

  it('refuses to work without Docker, without the image and without a folder of its own', async () => {
    const workspace = mkdtempSync(join(root, 'workspace-'));
    const options = { image: docker.image ?? '', workspace };
    await expect(createDockerSandbox({ ...options, socketPath: join(root, 'none.sock') })).rejects.toMatchObject({
      code: 'GENIE_SANDBOX_UNAVAILABLE',
    });
    await expect(createDockerSandbox({ ...options, image: 'no-such-image:1' })).rejects.toMatchObject({
      code: 'GENIE_SANDBOX_UNAVAILABLE',
    });
    await expect(createDockerSandbox({ ...options, workspace: '/' })).rejects.toMatchObject({
      code: 'GENIE_OPTIONS_INVALID',
    });
  });
});
