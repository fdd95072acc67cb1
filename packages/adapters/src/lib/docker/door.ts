/** Where the folder with the socket of the egress proxy appears. */
export const doorFolder = '/run/genie';
export const egressSocketName = 'egress.sock';

/** Where the image keeps the program of {@link doorSource}. */
export const doorProgram = '/opt/genie/door.mjs';

const doorPort = 3128;
const proxyUrl = `http://127.0.0.1:${doorPort}`;

/** For programs that respect proxy variables. */
export const doorEnvironment: Readonly<Record<string, string>> = {
  HTTP_PROXY: proxyUrl,
  HTTPS_PROXY: proxyUrl,
  ALL_PROXY: proxyUrl,
  http_proxy: proxyUrl,
  https_proxy: proxyUrl,
  all_proxy: proxyUrl,
  NO_PROXY: '',
  no_proxy: '',
  NODE_USE_ENV_PROXY: '1',
  GENIE_EGRESS_PROXY: proxyUrl,
};

/**
 * The program that joins a port of the container's loopback to the socket of the egress proxy. Imported by a Node program it runs
 * inside it and does not keep it alive; started by itself it stays until the container ends.
 */
export const doorSource = `import { createConnection, createServer } from 'node:net';
const server = createServer({ allowHalfOpen: true }, (inside) => {
  const outside = createConnection({ path: '${doorFolder}/${egressSocketName}', allowHalfOpen: true });
  inside.pipe(outside).pipe(inside);
  inside.on('error', () => outside.destroy()).on('close', () => outside.destroy());
  outside.on('error', () => inside.destroy()).on('close', () => inside.destroy());
});
server.on('error', (error) => {
  if (error.code !== 'EADDRINUSE') throw error;
});
server.listen(${doorPort}, '127.0.0.1');
if (!process.argv[1]?.endsWith('door.mjs')) server.unref();
`;

/** The command with the door open: in the same process for a Node program, beside it for any other. */
export function throughDoor(command: readonly [string, ...string[]]): string[] {
  const [program, ...rest] = command;
  if (program === 'node') return ['node', '--import', doorProgram, ...rest];
  return ['/bin/sh', '-c', `node ${doorProgram} & exec "$@"`, 'door', ...command];
}
