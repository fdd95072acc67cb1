import { chmod } from 'node:fs/promises';
import { createConnection, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { join } from 'node:path';

export interface StoreRelay {
  /** The same database, through the socket. */
  readonly url: string;
  close(): Promise<void>;
}

/** Where a container finds the folder. */
const folderInside = '/run/genie';

/** Leads a socket in a folder to a Postgres server: the one other door of a container without a network. */
export async function relayStore(url: string, folder: string): Promise<StoreRelay> {
  const target = new URL(url);
  const port = Number(target.port || 5432);
  const path = join(folder, `.s.PGSQL.${port}`);
  const open = new Set<Socket>();
  const server = createServer((inside) => {
    const outside = createConnection(placeOf(target, port));
    for (const [socket, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      open.add(socket);
      socket
        .on('error', () => other.destroy())
        .on('close', () => {
          open.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  await chmod(path, 0o666);
  // pg takes a folder for the host of a socket, given in the query.
  const inside = new URL(`postgres://placeholder${target.pathname}${target.search}`);
  inside.username = target.username;
  inside.password = target.password;
  inside.hostname = 'localhost';
  inside.port = String(port);
  inside.searchParams.set('host', folderInside);
  return {
    url: inside.href,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** A server may be named by the folder of its socket, in the host of the query. */
function placeOf(target: URL, port: number): NetConnectOpts {
  const named = target.searchParams.get('host') ?? target.hostname.replace(/^\[|\]$/g, '');
  return named.startsWith('/') ? { path: join(named, `.s.PGSQL.${port}`) } : { host: named || '127.0.0.1', port };
}
