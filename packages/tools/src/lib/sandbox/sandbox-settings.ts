import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeOwnedFolder, removeAbandoned } from '../owned-folder.ts';

/** Files a sandbox is started with, made once: one mount instead of fifteen. */
export interface SandboxSettings {
  /** The `/etc` of the sandbox. */
  readonly folder: string;
  /** File with the system-call filter. */
  readonly filter: string | undefined;
  /** An empty folder that everybody can reach. */
  readonly stage: string;
  remove(): void;
}

/** What programs need to find libraries, certificates, time zones and names. Nothing that tells of the host's users. */
const copied = [
  'alternatives',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'timezone',
  'nsswitch.conf',
  'mime.types',
  'ssl/openssl.cnf',
  'ssl/certs/ca-certificates.crt',
  'pki/tls/certs/ca-bundle.crt',
];

const written: Readonly<Record<string, string>> = {
  passwd:
    'root:x:0:0::/:/usr/sbin/nologin\ngenie:x:1000:1000::/tmp/home:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n',
  group: 'root:x:0:\ngenie:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost genie\n::1 localhost genie\n',
  'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n',
};

/** Makes the folder in the system's folder for temporary files, without secrets in it. Those of killed runtimes go. */
export function writeSettings(filter: Uint8Array | undefined): SandboxSettings {
  removeAbandoned('sandbox');
  const base = makeOwnedFolder('sandbox');
  const folder = join(base, 'etc');
  // bwrap runs as another user when the runtime is root, and has to get here.
  chmodSync(base, 0o711);
  const stage = join(base, 'workspace');
  mkdirSync(folder, { mode: 0o755 });
  mkdirSync(stage, { mode: 0o755 });
  for (const name of copied) copySetting(name, folder);
  for (const [name, content] of Object.entries(written)) writeFileSync(join(folder, name), content, { mode: 0o644 });
  if (filter) writeFileSync(join(base, 'filter'), filter, { mode: 0o600 });
  return {
    folder,
    stage,
    filter: filter ? join(base, 'filter') : undefined,
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

function copySetting(name: string, folder: string): void {
  const source = join('/etc', name);
  if (!existsSync(source)) return;
  const target = join(folder, name);
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  try {
    // Links of `alternatives` stay links: they lead into /usr. Others are copied through.
    cpSync(source, target, {
      recursive: true,
      ...(name === 'alternatives' ? { verbatimSymlinks: true } : { dereference: true }),
    });
  } catch {
    // A file that may not be read is missing inside; programs live without it.
  }
}
