import type { Command } from '../lib/cli/command.ts';
import { didYouMean } from '../lib/cli/suggest.ts';
import { usageError } from '../lib/cli/usage-error.ts';

type Action = Command['run'];

/** Loaded when it is called. */
const actions: Readonly<Record<string, () => Promise<Action>>> = {
  log: async () => (await import('../lib/egress/show-log.ts')).showLog,
  grants: async () => (await import('../lib/egress/manage-grants.ts')).listGrants,
  revoke: async () => (await import('../lib/egress/manage-grants.ts')).revokeGrants,
};

const proxyFlags: Command['flags'] = {
  host: { type: 'text', value: 'HOST', help: 'where it listens (default 127.0.0.1); with log: only this host' },
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
  upstream: {
    type: 'text',
    value: 'URL',
    help: 'a proxy that everything goes on through; GENIE_UPSTREAM_AUTH holds its user:password',
  },
  audit: { type: 'text', value: 'DIR', help: 'where decisions are written; with log: where they are read' },
};

const logFlags: Command['flags'] = {
  run: { type: 'text', value: 'RUN', help: 'with log: only this run' },
  since: { type: 'text', value: 'TIME', help: 'with log: only from this time on' },
  blocked: { type: 'boolean', help: 'with log: only what was refused' },
  limit: { type: 'number', value: 'N', help: 'with log: how many of the latest (default 100)' },
  all: { type: 'boolean', help: 'with revoke: every grant' },
};

export const command: Command = {
  name: 'egress',
  summary: 'what left and what may leave; or the egress filter alone, as a forward proxy',
  usage: 'egress [log|grants|revoke] [NAME] [options] | egress --allow HOST… [options]',
  description:
    'log shows what a genie sent and what was refused, and checks that the log is whole. grants lists what you allowed or denied for good; revoke takes it back. ' +
    'Without one of these words it is a proxy: CONNECT, absolute form and WebSocket. Everything that is not allowed is refused; nobody is asked. Runs until Ctrl-C.',
  flags: { ...proxyFlags, ...logFlags },
  examples: [
    ['genie egress log news --blocked', 'what a genie was refused, and why'],
    ['genie egress revoke news grant_01h…', 'take a permission back; open connections are cut'],
    ['genie egress --port 8080 --allow api.example.com "*.example.org"', 'a proxy for a container'],
    ['HTTPS_PROXY=http://127.0.0.1:8080 curl https://api.example.com', 'use it'],
  ],
  stopsByItself: true,
  async run(context) {
    const [word, ...rest] = context.positionals;
    if (word === undefined) {
      const { serve } = await import('../lib/egress/serve.ts');
      return serve(context);
    }
    const load = Object.hasOwn(actions, word) ? actions[word] : undefined;
    if (load === undefined) {
      const names = Object.keys(actions);
      throw usageError(`genie egress knows no "${word}": use ${names.join(', ')}.${didYouMean(word, names)}`);
    }
    const action = await load();
    return action({ ...context, positionals: rest });
  },
};
