import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

const script = `
  import { createEgress, openAudit } from '@genie/egress';
  import { createServer } from 'node:http';
  const server = createServer((request, response) => response.end()).listen(0, '127.0.0.1', async () => {
    const { port } = server.address();
    const egress = createEgress({
      allow: ['allowed.test'], ports: [port], allowPrivate: ['127.0.0.1:' + port],
      lookup: async () => ['127.0.0.1'], audit: openAudit({ dir: process.argv[1] }),
    });
    const codes = [];
    for (let index = 0; index < 100; index += 1) {
      codes.push(await egress.fetch('http://allowed.test:' + port + '/').then((answer) => answer.status, (error) => error.code));
    }
    console.log(JSON.stringify({ passed: codes.filter((code) => code === 200).length, last: codes.at(-1) }));
    process.exit(0);
  });
`;

// A limit on the size of files stands for a disk without room: the write fails in the same way.
describe.runIf(process.platform === 'linux')('a full disk', () => {
  it('lets nothing out any more, and says so', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'genie-full-'));
    const shell = `trap '' XFSZ; ulimit -f 8; exec "$0" --conditions=@genie/source --disable-warning=ExperimentalWarning --input-type=module -e "$1" "$2"`;
    const done = await run('sh', ['-c', shell, process.execPath, script, dir], { cwd: import.meta.dirname });
    rmSync(dir, { recursive: true, force: true });
    const { passed, last } = JSON.parse(done.stdout) as { passed: number; last: string };
    expect(last).toBe('GENIE_EGRESS_AUDIT');
    expect(passed).toBeGreaterThan(3);
    expect(passed).toBeLessThan(40);
  });
});
