import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readGenieFile, writeGenieFile } from '@genie/core/home';
import type { Terminal } from '../src/lib/terminal/terminal.ts';
import { runGenie, type Said } from './run-genie.ts';
import type { Stage } from './stage.ts';

interface Deps {
  readonly stage: Stage;
  readonly terminal: Terminal;
  /** Where the home of this part goes. */
  readonly folder: string;
}

/** A genie with a source that never answers: it notices, asks, tries the change out, and is better afterwards. */
export async function improveItself({ stage, terminal, folder }: Deps): Promise<void> {
  stage.scene('A poor source: measured, proposed for removal, tried in a copy, approved, adopted');
  const site = await openNews();
  const homes = join(folder, 'homes');
  const home = join(homes, 'news');
  makeHome(home, site);
  const genie = async (...argv: readonly string[]): Promise<Said> => {
    stage.say(terminal.style.cyan(`$ genie ${argv.join(' ')}`));
    return runGenie(argv, homes);
  };
  const show = (said: string, wanted: RegExp): void => {
    for (const line of said.split('\n')) if (wanted.test(line)) stage.say(`  ${line.trim()}`);
  };
  try {
    let said: Said = { stdout: '', stderr: '' };
    for (let wake = 1; wake <= 3; wake += 1) said = await genie('run', 'news');
    const approvalId = /genie experiment news (apr_\w+)/.exec(said.stderr)?.[1] ?? '';
    show(said.stderr, /Self-evaluation|Remove source/);
    stage.expect(approvalId !== '', 'after three wakes it asks to drop the source that never answered');

    const seen = JSON.parse(
      (await runGenie(['metrics', 'news', '--observations', 'sources-reached', '--json'], homes)).stdout,
    );
    const proven = seen.observations.filter(
      ({ grade, evidenceHash }: { grade: string; evidenceHash?: string }) =>
        grade === 'measured' && evidenceHash !== undefined,
    );
    stage.expect(proven.length === 3, 'each value was measured by a probe and has evidence');

    const tried = await genie('experiment', 'news', approvalId);
    show(tried.stdout, /copies|Sources reached|Recommendation/);
    stage.expect(/Recommendation: adopt/.test(tried.stdout), 'tried on two copies with the recorded runs: adopt');
    stage.expect(readGenieFile(home).sources?.length === 2, 'the genie itself is as it was');

    await genie('approve', 'news', approvalId, '--allow-once');
    show((await genie('run', 'news')).stderr, /Adopted/);
    stage.expect(readGenieFile(home).sources?.length === 1, 'the next run used it');
    await genie('run', 'news');
    const changes = await genie('metrics', 'changes', 'news');
    show(changes.stdout, /adopted|→/);
    stage.expect(/Sources reached +50 → 100 %, better/.test(changes.stdout), 'and the gain is in the numbers');
    const report = (await genie('metrics', 'report', 'news')).stdout.trim();
    stage.say(`  ${report}`);
  } finally {
    await site.close();
  }
}

interface News {
  readonly address: string;
  close(): Promise<void>;
}

/** A feed with something new at every visit, and one that is out of order. */
async function openNews(): Promise<News> {
  let visits = 0;
  const server = createServer((request, response) => {
    if (request.url !== '/feed.xml') return void response.writeHead(500).end('out of order');
    visits += 1;
    response.writeHead(200, { 'content-type': 'application/atom+xml' }).end(feed(visits));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function feed(visit: number): string {
  const day = String((visit % 28) + 1).padStart(2, '0');
  return `<feed xmlns="http://www.w3.org/2005/Atom"><title>Releases</title><id>urn:demo:news</id>
<updated>2026-01-${day}T00:00:00Z</updated><entry><title>Release ${visit} of the runtime</title><id>urn:demo:news:${visit}</id>
<updated>2026-01-${day}T00:00:00Z</updated><link href="https://releases.example.test/${visit}"/><summary>What is new in ${visit}.</summary></entry></feed>`;
}

function makeHome(home: string, site: News): void {
  mkdirSync(home, { recursive: true });
  writeGenieFile(home, {
    format: 1,
    id: 'genie_news',
    goal: 'Brief me on new releases',
    createdAt: Date.now(),
    models: { planning: 'offline', execution: 'offline' },
    sources: [
      { kind: 'feed', location: `http://${site.address}/feed.xml`, title: 'Releases' },
      { kind: 'feed', location: `http://${site.address}/mirror.xml`, title: 'Old mirror' },
    ],
    egress: { allow: [site.address] },
  });
}
