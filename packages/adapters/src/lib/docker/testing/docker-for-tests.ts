import { execFileSync } from 'node:child_process';

export interface DockerForTests {
  /** Undefined where there is no daemon or no base image. */
  readonly image: string | undefined;
  /** Why not, for the title of what is skipped; else empty. */
  readonly reason: string;
}

/** The daemon of this machine with the newest base image, which `image/make-base-image.ts` makes. */
export function dockerForTests(): DockerForTests {
  try {
    const listed = execFileSync('docker', ['images', 'genie-base', '--format', '{{.Repository}}:{{.Tag}}'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 10_000,
    });
    const [image] = listed.toString().trim().split('\n');
    if (image) return { image, reason: '' };
    return { image: undefined, reason: '(skipped: no base image; run packages/adapters/image/make-base-image.ts)' };
  } catch (error) {
    return { image: undefined, reason: `(skipped: no Docker: ${String((error as Error).message).split('\n')[0]})` };
  }
}
