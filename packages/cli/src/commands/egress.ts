import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';

export const command: Command = {
  name: 'egress',
  summary: 'start the egress filter alone, as a forward proxy',
  usage: 'egress [--host HOST] [--port PORT] --allow HOST… [options]',
  description:
    'CONNECT, absolute form and WebSocket. Everything that is not allowed is refused; nobody is asked. Runs until Ctrl-C.',
  flags: {
    host: { type: 'text', value: 'HOST', help: 'where it listens (default 127.0.0.1)' },
    port: { type: 'number', value: 'PORT', help: 'which port (default: any free one, printed)' },
    socket: { type: 'text', value: 'PATH', help: 'a unix socket instead' },
    auth: { type: 'text', value: 'USER:PASS', help: 'what every request has to bring' },
    allow: {
      type: 'text',
      value: 'HOST',
      repeatable: true,
      variadic: true,
      help: 'a host, *.host, or address:port that may be reached',
    },
    'allow-port': {
      type: 'text',
      value: 'N',
      repeatable: true,
      variadic: true,
      help: 'ports of hosts that name none (default 443 and 80)',
    },
    resolver: { type: 'text', value: 'IP:PORT', help: 'the DNS server to ask, instead of the system' },
    'allow-private': {
      type: 'text',
      value: 'IP:PORT',
      repeatable: true,
      variadic: true,
      help: 'an exact private address that names may resolve to',
    },
    audit: { type: 'text', value: 'DIR', help: 'where decisions are written' },
  },
  examples: [
    ['genie egress --port 8080 --allow api.example.com "*.example.org"', 'a proxy for a container'],
    ['HTTPS_PROXY=http://127.0.0.1:8080 curl https://api.example.com', 'use it'],
  ],
  stopsByItself: true,
  maxPositionals: 0,
  async run({ flags, terminal, signal }) {
    const { createEgress, createResolverLookup, openAudit, startProxy } = await import('@genie/egress');
    const ports = flags.texts('allow-port').map(toPort);
    const [resolver, auditDir, host, socket, auth] = ['resolver', 'audit', 'host', 'socket', 'auth'].map((name) =>
      flags.text(name),
    );
    const port = flags.number('port');
    const audit = auditDir === undefined ? undefined : openAudit({ dir: auditDir });
    const egress = createEgress({
      allow: flags.texts('allow'),
      allowPrivate: flags.texts('allow-private'),
      ...(ports.length > 0 ? { ports } : {}),
      ...(resolver === undefined ? {} : { lookup: createResolverLookup(resolver) }),
      ...(audit ? { audit } : {}),
    });
    try {
      const proxy = await startProxy(egress, {
        ...(host === undefined ? {} : { host }),
        ...(port === undefined ? {} : { port: toPort(String(port)) }),
        ...(socket === undefined ? {} : { socket }),
        ...(auth === undefined ? {} : { auth }),
      });
      terminal.print(`Listening on ${proxy.url} · ${egress.entries.length} entries allowed · grade ${egress.grade}`);
      terminal.printJson({
        event: 'listening',
        url: proxy.url,
        port: proxy.port,
        allowed: egress.entries.map(({ rule }) => rule),
        grade: egress.grade,
      });
      await new Promise<void>(
        (resolve) =>
          void (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })),
      );
      await proxy.close();
      return exitCodes.ok;
    } finally {
      await egress.close();
      await audit?.close();
    }
  },
};

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw usageError(`${JSON.stringify(text)} is no port: use a whole number up to 65535.`);
}
