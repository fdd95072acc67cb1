import { validateEvent } from '@genie/core/events';
import type { GenieEvent } from '@genie/core/ports';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type OpenWorld, openAttackWorld } from '../attacks/attack-world.ts';
import type { AuditEntry } from '../audit/audit-record.ts';

const log: AuditEntry[] = [];
const events: GenieEvent[] = [];
let open: OpenWorld;

beforeAll(async () => {
  const audit = {
    append(entry: AuditEntry) {
      log.push(entry);
      return undefined;
    },
  };
  open = await openAttackWorld({ egress: { audit, events: (event) => events.push(event) } });
});

beforeEach(() => {
  log.length = 0;
  events.length = 0;
});

afterAll(() => open.close());

const rest = ' HTTP/1.1\r\nHost: allowed.test\r\n\r\n';

describe('a request that is refused before the policy sees it', () => {
  it.each([
    ['user information', `GET http://user:secret@allowed.test/${rest}`, '***@allowed.test', 'request-form'],
    [
      'user information in CONNECT',
      `CONNECT user:secret@allowed.test:443${rest}`,
      '***@allowed.test:443',
      'request-form',
    ],
    ['another scheme and a query', `GET https://allowed.test/?key=secret${rest}`, 'allowed.test', 'request-form'],
    ['a path alone', `GET /?key=secret${rest}`, '', 'request-form'],
    [
      'an upgrade',
      `GET https://a:secret@b.test/${rest.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')}`,
      '***@b.test',
      'request-form',
    ],
    ['bytes that are no HTTP', 'GET /?secret HTTP/1.1\nHost: secret\n\n\r\n', '', 'request-smuggling'],
  ])('is written down without its secrets: %s', async (_what, request, host, reason) => {
    await open.world.send(request, { quietMs: 150 });
    expect(log).toMatchObject([{ event: 'blocked', host, reason }]);
    expect(events).toMatchObject([{ type: 'egress.blocked', host: host || '-', reason }]);
    expect(events.map(validateEvent)).toEqual([undefined]);
    expect(JSON.stringify([log, events])).not.toContain('secret');
  });
});
