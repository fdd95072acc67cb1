// Five published servers as a genie uses them, browsers included: each used, killed, hung and used again.
import { driveOverHttp } from './drive-over-http.ts';
import { driveServer, realServers, whyNot } from './real-servers.ts';

export async function soak({ log }: { readonly trials?: number; readonly log: (line: string) => void }) {
  const passed: string[] = [];
  let leaked = 0;
  for (const server of realServers) {
    const reason = whyNot(server);
    if (reason) {
      log(`mcp ${server.name}: not driven, ${reason}`);
      continue;
    }
    try {
      const driven = await driveServer(server);
      leaked += driven.leaked.length;
      for (const command of driven.leaked) log(`mcp ${server.name} left ${command}`);
      passed.push(server.name);
      log(`mcp ${server.name}: ${driven.tools} tools, MCP ${driven.protocolVersion}, ${driven.steps.join(', ')}`);
    } catch (error) {
      log(`mcp ${String(error)}`);
    }
  }
  const overHttp: string[] = [];
  for (const mode of ['streamableHttp', 'sse'] as const) {
    const steps = await driveOverHttp(mode).catch((error: unknown) => log(`mcp ${String(error)}`));
    if (steps) overHttp.push(mode);
  }
  return [
    {
      id: 'mcp.real-servers',
      what: 'published servers used, killed, hung and used again',
      value: passed.length,
      unit: `of ${realServers.length}`,
      reach: `= ${realServers.length}`,
      ok: passed.length === realServers.length,
    },
    {
      id: 'mcp.real-servers-http',
      what: 'server-everything the same over Streamable HTTP and the older HTTP with events',
      value: overHttp.length,
      unit: 'of 2',
      reach: '= 2',
      ok: overHttp.length === 2,
    },
    {
      id: 'mcp.real-servers-leaked',
      what: 'processes that they left behind, wherever they hang',
      value: leaked,
      unit: 'processes',
      reach: '= 0',
      ok: leaked === 0,
    },
  ];
}
