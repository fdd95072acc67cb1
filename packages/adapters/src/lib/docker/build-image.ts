import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { containerFailed } from '../orchestrator/container-errors.ts';
import { connectDocker, type DockerConnection } from './connect-docker.ts';
import { asReadable, type DockerClient } from './docker-client.ts';
import { doorProgram, doorSource } from './door.ts';

export interface GenieImageOptions extends DockerConnection {
  /** Name and tag of the image, e.g. `genie:1.0`. */
  readonly tag: string;
  /** An image with Node 22.18 or newer and a shell, e.g. `node:24-slim`; nothing is pulled when it is there. */
  readonly base: string;
  /** A folder with the `node_modules` into which `@genie/cli` was installed. */
  readonly project: string;
}

/** The whole image, without a network: everything comes from the base and the project. */
function dockerfile(base: string): string {
  return `FROM ${base}
USER 0
COPY node_modules /opt/genie/node_modules
COPY door.mjs ${doorProgram}
RUN mkdir -p /genie /workspace /run/genie && chown 65532:65532 /genie /workspace && ln -sf /opt/genie/node_modules/.bin/genie /usr/local/bin/genie
ENV HOME=/genie PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 65532:65532
WORKDIR /genie
`;
}

/**
 * Builds the image that genies run in, from an installed project and a base image, without a registry. Returns the tag. Needs `tar`. Rejects
 * with `GENIE_CONTAINER_FAILED` (the daemon's last words) and `GENIE_ADAPTER_PEER`.
 */
export async function buildGenieImage(options: GenieImageOptions): Promise<string> {
  const client = await connectDocker(options);
  const extra = await mkdtemp(join(tmpdir(), 'genie-image-'));
  try {
    await writeFile(join(extra, 'Dockerfile'), dockerfile(options.base));
    await writeFile(join(extra, 'door.mjs'), doorSource);
    await build(
      client,
      options,
      pack(['-C', extra, 'Dockerfile', 'door.mjs', '-C', resolve(options.project), 'node_modules']),
    );
    return options.tag;
  } catch (error) {
    throw containerFailed(`Building the image ${options.tag}`, error);
  } finally {
    await rm(extra, { recursive: true, force: true });
  }
}

async function build(client: DockerClient, { tag }: GenieImageOptions, context: PassThrough): Promise<void> {
  try {
    const settings = { t: tag, labels: { 'genie.image': tag }, networkmode: 'none', forcerm: true };
    await readProgress(await client.buildImage(context, settings));
  } catch (error) {
    // The words of `tar` say more than a request that was cut off.
    throw context.errored ?? error;
  } finally {
    // A daemon that refuses early reads no further: then `tar` has to end too.
    context.destroy();
  }
}

/**
 * Starts `tar`. What it writes is read from the first moment, because Node throws away what nobody read of a program that has ended, and a small
 * project is packed before the request is on its way. The stream ends only when all was packed, so half a project never becomes an image.
 */
function pack(args: readonly string[]): PassThrough {
  const context = new PassThrough();
  const tar = spawn('tar', ['-cf', '-', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  tar.stdout.pipe(context, { end: false });
  tar
    .once('error', (error) => context.destroy(error))
    .once('close', (code) => {
      if (code === 0) context.end();
      else context.destroy(new Error(`tar ended with ${code}: ${complaint.trim()}`));
    });
  // Nobody listens before the request is made.
  return context.once('close', () => tar.kill()).on('error', () => undefined);
}

/** The daemon tells how it goes, one JSON line each; a failure is one of them. */
async function readProgress(progress: unknown): Promise<void> {
  let rest = '';
  for await (const chunk of asReadable(progress).setEncoding('utf8')) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { error } = (line.trim() === '' ? {} : JSON.parse(line)) as { readonly error?: string };
      if (error !== undefined) throw new Error(error);
    }
  }
}
