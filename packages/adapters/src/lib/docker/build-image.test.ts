import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runContainerJob } from '../orchestrator/run-job.ts';
import { buildGenieImage } from './build-image.ts';
import { createDockerOrchestrator } from './docker-orchestrator.ts';
import { dockerForTests } from './testing/docker-for-tests.ts';

const docker = dockerForTests();
const tag = `genie-test:${randomUUID().slice(0, 8)}`;
const project = mkdtempSync(join(tmpdir(), 'genie-project-'));

describe.skipIf(docker.image === undefined)(`buildGenieImage ${docker.reason}`, { timeout: 60_000 }, () => {
  afterAll(() => {
    rmSync(project, { recursive: true, force: true });
    execFileSync('/bin/sh', ['-c', `docker image rm -f ${tag} || true`], { stdio: 'pipe' });
  });

  it('makes an image of a base and an installed project, without a network, in which "genie" runs as nobody', async () => {
    // As npm installs the packed command line: a program, and a link to it.
    const cli = join(project, 'node_modules/@genie/cli/dist');
    mkdirSync(cli, { recursive: true });
    mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
    writeFileSync(
      join(cli, 'main.js'),
      "#!/usr/bin/env node\nconsole.log('genie', process.argv[2], process.getuid(), process.cwd());\n",
    );
    chmodSync(join(cli, 'main.js'), 0o755);
    symlinkSync('../@genie/cli/dist/main.js', join(project, 'node_modules/.bin/genie'));
    const near = relative(process.cwd(), project);
    expect(await buildGenieImage({ tag, base: docker.image ?? '', project: near })).toBe(tag);
    const orchestrator = await createDockerOrchestrator({ image: tag, owner: `test-${randomUUID().slice(0, 8)}` });
    const outcome = await runContainerJob({
      orchestrator,
      spec: () => ({ name: 'one', command: ['genie', '--version'] }),
    });
    expect(outcome).toMatchObject({ exitCode: 0, stdout: 'genie --version 65532 /genie\n' });
    await orchestrator.destroy('one');
  });

  it('says what went wrong', async () => {
    await expect(buildGenieImage({ tag, base: 'no-such-base:0', project })).rejects.toMatchObject({
      code: 'GENIE_CONTAINER_FAILED',
    });
    await expect(
      buildGenieImage({ tag, base: docker.image ?? '', project: join(project, 'none') }),
    ).rejects.toMatchObject({
      code: 'GENIE_CONTAINER_FAILED',
      message: expect.stringMatching(/tar ended with 2: .*none/),
    });
  });
});
