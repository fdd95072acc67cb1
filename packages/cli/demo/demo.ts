// A genie's first run on real input: this repository. No key, no Docker, no network beyond this machine.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createTerminal } from '../src/lib/terminal/terminal.ts';
import { askAtTheDoor } from './at-the-door.ts';
import { prepareCheckout } from './checkout.ts';
import { answerBothWays, firstWake, makePlan, secondWake, thirdWake } from './scenes.ts';
import { improveItself } from './self-improvement.ts';
import { openSite } from './site.ts';
import { createStage } from './stage.ts';

const startedAt = performance.now();
const keeps = process.argv.includes('--keep');
const root = resolve(import.meta.dirname, '../../..');
// Notes and results are one story here, so both go to stdout.
const plainTerminal = createTerminal({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stdout,
  json: false,
  debug: false,
  color: process.argv.includes('--no-color') ? false : undefined,
  environment: process.env,
});
const terminal = { ...plainTerminal, note: (line: string) => plainTerminal.note(line === '' ? '' : `  ${line}`) };
const stage = createStage(terminal);
const folder = await mkdtemp(join(tmpdir(), 'genie-demo-'));
const site = await openSite();

try {
  const checkout = await prepareCheckout(root, join(folder, 'checkout'));
  const home = join(folder, 'home');
  terminal.print(`${terminal.style.bold('A genie, from its goal to its third wake')}`);
  stage.say(`works on ${checkout.origin}`);
  stage.say(`lives in ${home}`);
  stage.say('thinks with the offline model: rules, no neural network, no key, no network');
  const deps = { stage, terminal, site, checkout, home };
  await makePlan(deps);
  const waiting = await firstWake(deps);
  const copy = join(folder, 'home-denied');
  await cp(home, copy, { recursive: true });
  await answerBothWays({ ...deps, copy }, waiting);
  await secondWake(deps);
  await thirdWake(deps);
  await improveItself({ stage, terminal, folder });
  await askAtTheDoor({ stage, terminal, folder });
} finally {
  await site.close();
  if (keeps) stage.say(`\nKept: ${folder}`);
  else await rm(folder, { recursive: true, force: true });
}

const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
const { failures } = stage;
terminal.print();
terminal.print(
  failures.length === 0
    ? `${terminal.style.green('Everything held.')} ${seconds} s.`
    : `${terminal.style.red(`${failures.length} claims did not hold:`)} ${failures.join(' · ')}`,
);
if (!keeps && failures.length === 0)
  terminal.print(
    `Look around yourself: npm run demo -- --keep, or npm run genie -- new --goal "…" --source PATH_OR_URL`,
  );
process.exitCode = failures.length === 0 ? 0 : 1;
