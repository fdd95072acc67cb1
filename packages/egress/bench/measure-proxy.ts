import { buildHello } from '@genie/egress/conformance';
import { bulk, dial, latencies, measureAnswer, median, pingPong, quantile } from './load.ts';
import { type Row, row } from './row.ts';
import { startServer } from './servers.ts';
import { squidVersion, startSquid } from './start-squid.ts';

export interface ProxyBench {
  readonly web: number;
  readonly tcp: number;
  readonly auditDir: string;
  readonly squidDir: string;
  readonly log: (line: string) => void;
}

const rounds = 7;
const roundMs = 1_200;
const hello = buildHello({ names: ['origin.test'] });

/** The forward proxy against one without any policy. */
export async function measureProxy(options: ProxyBench): Promise<Row[]> {
  const { web, tcp, auditDir } = options;
  const minimal = await startServer<{ port: number }>('minimal-proxy');
  const full = await startServer<{ port: number }>('full-proxy', [String(web), String(tcp)]);
  const audited = await startServer<{ port: number }>('full-proxy', [String(web), String(tcp), auditDir]);
  const ports = { minimal: minimal.ports.port, full: full.ports.port, audited: audited.ports.port };
  try {
    return [
      ...(await measureRequests(options, ports)),
      ...(await measureLatency(options, ports)),
      ...(await measureTunnels(options, ports)),
    ];
  } finally {
    for (const server of [minimal, full, audited]) server.close();
  }
}

type Ports = Readonly<Record<'minimal' | 'full' | 'audited', number>>;

async function measureRequests({ web, squidDir, log }: ProxyBench, ports: Ports): Promise<Row[]> {
  const squid = await startSquid(squidDir);
  try {
    return await compareRequests({ web, log }, ports, squid);
  } finally {
    if (typeof squid !== 'string') squid.close();
  }
}

async function compareRequests(
  { web, log }: Pick<ProxyBench, 'web' | 'log'>,
  own: Ports,
  squid: Awaited<ReturnType<typeof startSquid>>,
): Promise<Row[]> {
  const ports = { ...own, ...(typeof squid === 'string' ? {} : { squid: squid.port }) };
  const request = `GET http://origin.test:${web}/ HTTP/1.1\r\nHost: origin.test:${web}\r\n\r\n`;
  const found: Record<keyof Ports | 'squid', number[]> = { minimal: [], full: [], audited: [], squid: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, port] of Object.entries(ports) as [keyof Ports | 'squid', number][]) {
      const sockets = await Promise.all(Array.from({ length: 32 }, () => dial(port)));
      const answerBytes = await measureAnswer(sockets[0] as (typeof sockets)[number], request);
      found[name].push(await pingPong(sockets, request, answerBytes, roundMs));
      for (const socket of sockets) socket.destroy();
    }
  }
  log(`requests/s: minimal ${show(found.minimal)}, full ${show(found.full)}, with audit ${show(found.audited)}`);
  const against = (one: number[], other: number[]): number =>
    median(one.map((value, index) => value / (other[index] ?? Number.NaN)));
  const [what, whatSquid] = [
    'plain HTTP requests/s over keep-alive, against',
    'the same against squid, without cache and logs',
  ];
  const [ratio, withAudit] = [against(found.full, found.minimal), against(found.audited, found.minimal)];
  const rows = [
    row('egress.requests', `${what} the minimal proxy`, ratio, '×', 0.9, 'min'),
    row('egress.requests-audited', 'the same with every decision in the audit log', withAudit, '×', 0.9, 'min'),
  ];
  if (typeof squid === 'string') {
    log(`squid: not measured (${squid})`);
    return rows;
  }
  log(`${squidVersion()}: ${show(found.squid)} requests/s`);
  return [...rows, row('egress.requests-squid', whatSquid, against(found.full, found.squid), '×', 0.75, 'min')];
}

async function measureLatency({ web, log }: ProxyBench, ports: Ports): Promise<Row[]> {
  const direct = await dial(web);
  const proxied = await dial(ports.full);
  const plain = `GET / HTTP/1.1\r\nHost: origin.test:${web}\r\n\r\n`;
  const through = `GET http://origin.test:${web}/ HTTP/1.1\r\nHost: origin.test:${web}\r\n\r\n`;
  const plainBytes = await measureAnswer(direct, plain);
  const throughBytes = await measureAnswer(proxied, through);
  const added: { p50: number[]; p99: number[] } = { p50: [], p99: [] };
  for (let round = 0; round < rounds; round += 1) {
    const bare = await latencies(direct, plain, plainBytes, 1_000);
    const filtered = await latencies(proxied, through, throughBytes, 1_000);
    added.p50.push(quantile(filtered, 0.5) - quantile(bare, 0.5));
    added.p99.push(quantile(filtered, 0.99) - quantile(bare, 0.99));
  }
  direct.destroy();
  proxied.destroy();
  log(`added latency: p50 ${median(added.p50).toFixed(3)} ms, p99 ${median(added.p99).toFixed(3)} ms`);
  return [
    row('egress.latency-p50', 'added latency over direct, p50', median(added.p50), 'ms', 0.3, 'max'),
    row('egress.latency-p99', 'added latency over direct, p99', median(added.p99), 'ms', 2, 'max'),
  ];
}

interface TunnelFigures {
  readonly open: number;
  readonly requests: number;
  readonly bulk: number;
}

async function measureTunnels({ tcp, log }: ProxyBench, ports: Ports): Promise<Row[]> {
  const tunnelTo = { authority: `origin.test:${tcp}`, hello };
  const names = ['minimal', 'full', 'audited'] as const;
  // New code is slow code; a proxy runs for days.
  await openInTurn(ports, tunnelTo, 2_500);
  const found: Record<keyof Ports, TunnelFigures[]> = { minimal: [], full: [], audited: [] };
  for (let round = 0; round < rounds; round += 1) {
    const open = await openInTurn(ports, tunnelTo, 300);
    for (const name of names)
      found[name].push({ open: median(open[name]), ...(await measureTunnelsOf(ports[name], tunnelTo)) });
  }
  const ratio = (name: 'full' | 'audited', figure: keyof TunnelFigures): number =>
    median(found[name].map((figures, index) => figures[figure] / (found.minimal[index]?.[figure] ?? Number.NaN)));
  log(`tunnels: minimal opens in ${median(found.minimal.map((figures) => figures.open)).toFixed(3)} ms`);
  return [
    row(
      'egress.tunnel-open',
      'time to a new tunnel with its first bytes through, against the minimal proxy',
      ratio('full', 'open'),
      '×',
      1.15,
      'max',
    ),
    row(
      'egress.tunnel-open-audited',
      'the same with every decision in the audit log',
      ratio('audited', 'open'),
      '×',
      1.15,
      'max',
    ),
    row(
      'egress.tunnel-requests',
      'exchanges/s in tunnels, against the minimal proxy',
      ratio('full', 'requests'),
      '×',
      0.95,
      'min',
    ),
    row(
      'egress.tunnel-bulk',
      'bulk rate in a tunnel, against the minimal proxy',
      ratio('full', 'bulk'),
      '×',
      0.9,
      'min',
    ),
  ];
}

type TunnelTo = NonNullable<Parameters<typeof dial>[1]>;

async function measureTunnelsOf(port: number, tunnelTo: TunnelTo): Promise<Omit<TunnelFigures, 'open'>> {
  const sockets = await Promise.all(Array.from({ length: 32 }, () => dial(port, tunnelTo)));
  const requests = await pingPong(sockets, 'x'.repeat(200), 200, roundMs);
  for (const socket of sockets) socket.destroy();
  const big = await dial(port, tunnelTo);
  const rate = await bulk(big, 300);
  big.destroy();
  return { requests, bulk: rate };
}

/** One tunnel through each proxy, again and again, so that whatever else the machine does hits all of them alike. */
async function openInTurn(ports: Ports, tunnelTo: TunnelTo, count: number): Promise<Record<keyof Ports, number[]>> {
  const times: Record<keyof Ports, number[]> = { minimal: [], full: [], audited: [] };
  for (let index = 0; index < count; index += 1) {
    for (const name of ['minimal', 'full', 'audited'] as const) {
      const startedAt = performance.now();
      const socket = await dial(ports[name], tunnelTo);
      times[name].push(performance.now() - startedAt);
      socket.destroy();
    }
  }
  return times;
}

function show(values: readonly number[]): string {
  return median(values) >= 100 ? String(Math.round(median(values))) : median(values).toFixed(3);
}
