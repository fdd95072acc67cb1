import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeGenieFile } from '@genie/core/home';
import type { Approval } from '@genie/core/ports';
import { explainContainment } from '@genie/egress';
import type { Terminal } from '../src/lib/terminal/terminal.ts';
import { openNameServer } from '../src/lib/testing/feed-server.ts';
import { openScriptedEndpoint } from '../src/lib/testing/scripted-endpoint.ts';
import { runGenie } from './run-genie.ts';
import type { Stage } from './stage.ts';

interface Deps {
  readonly stage: Stage;
  readonly terminal: Terminal;
  /** Where the home of this part goes. */
  readonly folder: string;
}

const host = 'blocked.example.test';

/** A real curl in the sandbox asks for a host that nobody allowed, twice; a second terminal lets one request pass. */
export async function askAtTheDoor({ stage, terminal, folder }: Deps): Promise<void> {
  stage.scene('At the door: a command in the sandbox wants out, a second terminal decides');
  const missing = await whatIsMissing();
  if (missing.length > 0) return stage.say(`left out on this machine: ${missing.join('; ')}`);
  const site = await openWatchedSite();
  const names = await openNameServer();
  const url = `http://${host}:${site.port}`;
  const endpoint = await openScriptedEndpoint(`curl -sS ${url}/one; curl -sS ${url}/two`);
  const homes = join(folder, 'homes');
  makeHome(join(homes, 'door'), { site: site.port, names: names.address, model: endpoint.baseUrl });
  const genie = (...argv: readonly string[]) => {
    stage.say(terminal.style.cyan(`$ genie ${argv.join(' ')}`));
    return runGenie(argv, homes, { OPENAI_COMPATIBLE_API_KEY: 'none' });
  };
  try {
    const run = genie('run', 'door');
    stage.say(`  in the sandbox: curl ${url}/one; curl ${url}/two`);
    const one = await waitForQuestion(homes, '/one');
    stage.say(`  ? ${one.title}`);
    stage.expect(site.requests.length === 0, 'the request waits at the door: the site saw nothing');
    await genie('approve', 'door', one.id, '--allow-once');
    const two = await waitForQuestion(homes, '/two');
    stage.expect(site.requests.join() === '/one', 'that one request passed, and the next one asks again');
    await genie('approve', 'door', two.id, '--deny');
    await run;
    stage.expect(site.requests.join() === '/one', 'the second never left');
    const log = await genie('egress', 'log', 'door', '--host', host);
    for (const line of log.stdout.trim().split('\n')) stage.say(`  ${line.trim()}`);
  } finally {
    await Promise.all([site.close(), names.close(), endpoint.close()]);
  }
}

async function whatIsMissing(): Promise<string[]> {
  const programs = ['/usr/bin/bwrap', '/usr/bin/curl'].filter((path) => !existsSync(path));
  return [...(await explainContainment()).missing, ...programs.map((path) => `${path} is not installed`)];
}

async function waitForQuestion(homes: string, path: string): Promise<Approval> {
  for (let tries = 0; tries < 400; tries += 1) {
    const { stdout } = await runGenie(['approve', 'door', '--list', '--json'], homes);
    const { approvals } = JSON.parse(stdout) as { approvals: Approval[] };
    const found = approvals.find(({ action }) => action.payload.path === path);
    if (found) return found;
    await sleep(25);
  }
  throw new Error(`nobody asked for ${path}`);
}

async function openWatchedSite() {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(String(request.url));
    response.end('hello from the site\n');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** A genie with a shell, and no host but its model's. */
function makeHome(home: string, { site, names, model }: { site: number; names: string; model: string }): void {
  mkdirSync(home, { recursive: true });
  const scripted = 'openai-compatible/scripted';
  writeGenieFile(home, {
    format: 1,
    id: 'genie_door',
    goal: 'Look at two pages',
    createdAt: Date.now(),
    models: { planning: scripted, execution: scripted },
    planning: 'none',
    modelBaseUrl: model,
    toolbox: { shell: { approval: 'never' } },
    egress: { allow: [], allowPrivate: [`127.0.0.1:${site}`], resolver: names },
  });
}
