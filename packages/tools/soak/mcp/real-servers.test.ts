import { describe, expect, it } from 'vitest';
import { driveOverHttp } from './drive-over-http.ts';
import { driveServer, realServers, whyNot } from './real-servers.ts';

// The browsers take minutes on a small machine: `npm run -s soak:mcp` drives them too.
const short = realServers.filter((server) => !server.needsBrowser);
// Five servers start at once, on a machine that may have other things to do; waiting costs nothing.
const stallMs = 20_000;
const reason = whyNot({});
if (reason) console.log(`skipped: real MCP servers: ${reason}`);

describe.skipIf(reason !== undefined).concurrent('published MCP servers', () => {
  it.each(short)(
    '$name is used, killed, hung and used again, and leaves nothing',
    async (server) => {
      const driven = await driveServer(server, { stallMs });
      expect(driven).toMatchObject({ leaked: [], steps: ['used', 'killed', 'used again', 'hung', 'used again'] });
    },
    150_000,
  );

  it.each(['streamableHttp', 'sse'] as const)(
    'server-everything is used again after a kill and a hang over %s',
    async (mode) => {
      expect(await driveOverHttp(mode, { stallMs })).toEqual(['used', 'killed', 'used again', 'hung', 'used again']);
    },
    150_000,
  );
});
