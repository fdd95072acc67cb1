import type { Command } from '../cli/command.ts';
import { exitCodes } from '../cli/exit-codes.ts';
import { usageError } from '../cli/usage-error.ts';

/** `genie egress`: the filter alone, as a forward proxy, until Ctrl-C. */
export const serve: Command['run'] = async ({ flags, terminal, signal, environment }) => {
  const { startStandaloneProxy } = await import('@genie/egress');
  const [resolver, auditDir, host, socket, auth, upstream] = [
    ...['resolver', 'audit', 'host', 'socket', 'auth', 'upstream'].map((name) => flags.text(name)),
  ];
  const upstreamAuth = environment.GENIE_UPSTREAM_AUTH;
  const port = flags.number('port');
  const proxy = await startStandaloneProxy({
    allow: flags.texts('allow'),
    allowPrivate: flags.texts('allow-private'),
    allowPorts: flags.texts('allow-port').map(toPort),
    ...(resolver === undefined ? {} : { resolver }),
    ...(auditDir === undefined ? {} : { auditDir }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: toPort(String(port)) }),
    ...(socket === undefined ? {} : { socket }),
    ...(auth === undefined ? {} : { auth }),
    ...(upstream === undefined
      ? {}
      : { upstreamProxy: { url: upstream, ...(upstreamAuth === undefined ? {} : { auth: upstreamAuth }) } }),
  });
  try {
    const { entries, grade } = proxy.egress;
    terminal.print(`Listening on ${proxy.url} · ${entries.length} entries allowed · grade ${grade}`);
    terminal.printJson({
      event: 'listening',
      url: proxy.url,
      port: proxy.port,
      allowed: entries.map(({ rule }) => rule),
      grade,
    });
    await new Promise<void>(
      (resolve) =>
        void (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })),
    );
    return exitCodes.ok;
  } finally {
    await proxy.close();
  }
};

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw usageError(`${JSON.stringify(text)} is no port: use a whole number up to 65535.`);
}
