import type { RunOutcome } from '@genie/core';
import { readGenieFile, writeGenieFile } from '@genie/core/home';
import type { Approval, RunEvent } from '@genie/core/ports';
import { type OpenGenie, openGenie } from '../src/compose.ts';
import { applyProposal } from '../src/lib/creating/apply-proposal.ts';
import { createHome } from '../src/lib/creating/create-home.ts';
import { decideProposal } from '../src/lib/creating/decide-proposal.ts';
import { spentWords } from '../src/lib/running/report-outcome.ts';
import type { Terminal } from '../src/lib/terminal/terminal.ts';
import { approvalLines } from '../src/print/approval.ts';
import { markdown } from '../src/print/markdown.ts';
import { proposalLines } from '../src/print/proposal.ts';
import { createRunView } from '../src/print/run-view.ts';
import type { Checkout } from './checkout.ts';
import type { Site } from './site.ts';
import type { Stage } from './stage.ts';

export interface SceneDeps {
  readonly stage: Stage;
  readonly terminal: Terminal;
  readonly site: Site;
  readonly checkout: Checkout;
  readonly home: string;
}

/** The user states a goal; the planning model proposes; the user accepts all but the host. */
export async function makePlan({ stage, terminal, site, checkout, home }: SceneDeps): Promise<void> {
  stage.scene('A goal becomes a plan, and every part of it is asked');
  createHome(home, {
    goal: 'Brief me on what changed in this repository and who should care',
    name: 'demo',
    sources: [
      { kind: 'git', location: checkout.path, title: 'this repository' },
      { kind: 'feed', location: site.feedUrl, title: 'runtime releases' },
    ],
    models: { planning: 'offline', execution: 'offline' },
    cron: undefined,
    timezone: undefined,
    allow: [],
    budget: {},
    price: undefined,
    baseUrl: undefined,
    instructions: undefined,
    store: undefined,
    toolbox: [],
  });
  const file = readGenieFile(home);
  // The site is on this machine. Only an operator can allow a name to mean a private address; a user's approval cannot.
  writeGenieFile(home, { ...file, egress: { allow: [], allowPrivate: [site.privateAddress] } });
  const open = await openDemo(home, site);
  try {
    const proposal = await open.genie.propose();
    for (const line of proposalLines(proposal, { style: terminal.style, now: Date.now() })) stage.say(line);
    await decideProposal({
      terminal,
      approvals: open.approvals,
      proposal,
      shown: proposal,
      decided: [],
      refused: ['domains'],
      acceptsAll: true,
    });
    const { accepted, refused } = await applyProposal(home, open.store);
    stage.say(
      `The user accepts ${accepted.join(', ')} and refuses ${refused.join(', ')}: hosts are to be asked for when they are needed.`,
    );
    stage.expect(accepted.length === 5 && refused.join() === 'domains', 'each part was an approval of its own');
  } finally {
    await open.close();
  }
}

export interface WaitingRun {
  readonly runId: string;
  readonly approval: Approval;
}

/** The first wake reads the repository, wants the feed, and goes to sleep over the question. */
export async function firstWake({ stage, terminal, site, home }: SceneDeps): Promise<WaitingRun> {
  stage.scene('First wake: it needs a host that nobody allowed, so it asks and sleeps');
  const open = await openDemo(home, site);
  try {
    const { outcome } = await follow(terminal, open.genie.run());
    const approvals = await open.approvals.list({ status: 'pending' });
    const [approval] = approvals;
    if (outcome.status !== 'waiting' || !approval)
      throw new Error(
        `The first wake should wait for an approval, but it ended as ${outcome.status}: ${outcome.reason}`,
      );
    for (const line of approvalLines(approval, { style: terminal.style, now: Date.now() })) stage.say(line);
    stage.expect(approvals.length === 1, 'one question, for exactly this request');
    stage.expect(site.requests() === 0, 'nothing was sent: the site saw 0 requests');
    return { runId: outcome.runId, approval };
  } finally {
    await open.close();
  }
}

/** A waiting run is files in a folder, so a copy of the home can be answered the other way. */
export async function answerBothWays(deps: SceneDeps & { readonly copy: string }, waiting: WaitingRun): Promise<void> {
  const { stage, terminal, site } = deps;
  stage.scene('The answer is no (in a copy of the home)');
  const denied = await answer(deps, deps.copy, waiting, 'deny');
  stage.expect(
    denied.status === 'completed' && site.requests() === 0,
    'denied: the run goes on without the feed, the site still saw 0 requests',
  );
  stage.expect(
    /### Not reached[\s\S]*releases\.example\.test/.test(denied.text),
    'the briefing says what was not reached',
  );
  stage.expect(
    denied.verdict?.outcome === 'partly',
    `the probes do not call that a success: ${denied.verdict?.outcome}`,
  );

  stage.scene('The answer is yes, always (in the home itself)');
  const allowed = await answer(deps, deps.home, waiting, 'allow-always');
  stage.expect(
    allowed.status === 'completed' && site.requests() > 0,
    `allowed: the feed was read (${site.requests()} requests, each in the audit log)`,
  );
  stage.expect(allowed.verdict?.outcome === 'achieved', `the probes saw it: ${allowed.verdict?.outcome}`);
  const items = allowed.briefing?.items ?? [];
  stage.expect(
    items.length > 1 && items.every((item) => item.citations.length > 0),
    `every one of ${items.length} lines has a citation`,
  );
  stage.expect(
    items.some((item) => item.citations.some(({ location }) => location.includes(site.host))),
    'the feed is among them',
  );
  terminal.print();
  for (const line of markdown(allowed.briefing?.markdown ?? '', terminal)) stage.say(line);
}

async function answer(
  { stage, terminal, site }: SceneDeps,
  home: string,
  { runId, approval }: WaitingRun,
  verdict: 'deny' | 'allow-always',
): Promise<RunOutcome> {
  const open = await openDemo(home, site);
  try {
    await open.approvals.decide(approval.id, { verdict, by: 'the demo' });
    const { outcome } = await follow(terminal, await open.resume(runId));
    const stored = await open.memory.stats();
    const readings = outcome.verdict?.readings ?? [];
    const memories = Object.values(stored.byTier).reduce((sum, count) => sum + count, 0);
    stage.expect(
      readings.length > 0 && memories > 0,
      `${readings.length} KPIs observed, ${memories} memories kept; then it sleeps`,
    );
    return outcome;
  } finally {
    await open.close();
  }
}

/** Nothing changed, so nothing thinks. */
export async function secondWake({ stage, terminal, site, home }: SceneDeps): Promise<void> {
  stage.scene('Second wake: nothing is new');
  const open = await openDemo(home, site);
  try {
    const { outcome, events } = await follow(terminal, open.genie.run());
    stage.say(`${outcome.reason}; ${spentWords(outcome)}`);
    stage.expect(outcome.status === 'skipped', 'the wake gate decided');
    stage.expect(
      outcome.usage.modelCalls === 0 && !events.some(({ type }) => type === 'step.started'),
      '0 model calls were made',
    );
  } finally {
    await open.close();
  }
}

/** One commit later only that commit is worth a line. */
export async function thirdWake({ stage, terminal, site, checkout, home }: SceneDeps): Promise<void> {
  stage.scene('A commit arrives. Third wake: only that is briefed');
  const subject = 'Explain when the wake gate lets a genie sleep';
  const hash = await checkout.commit(
    'docs/wake-gate-note.md',
    'A genie whose sources did not change goes back to sleep without a model call.\n',
    subject,
  );
  stage.say(`new commit ${hash} "${subject}"`);
  const open = await openDemo(home, site);
  try {
    const { outcome } = await follow(terminal, open.genie.run());
    terminal.print();
    for (const line of markdown(outcome.briefing?.markdown ?? outcome.text, terminal)) stage.say(line);
    const items = outcome.briefing?.items ?? [];
    stage.expect(
      outcome.status === 'completed' && items.length === 1,
      `one line, not ${items.length > 1 ? items.length : 'the whole history again'}`,
    );
    stage.expect(items[0]?.text.includes(subject) === true, 'it is about the new commit');
    stage.expect(items[0]?.citations.some(({ location }) => location.includes(hash)) === true, `and cites ${hash}`);
  } finally {
    await open.close();
  }
}

/** Keys of the reader's environment stay out: the demo works for everybody the same way. */
function openDemo(home: string, site: Site): Promise<OpenGenie> {
  return openGenie({ home, environment: {}, lookup: site.lookup });
}

async function follow(
  terminal: Terminal,
  handle: AsyncIterable<RunEvent> & { readonly outcome: Promise<RunOutcome> },
): Promise<{ outcome: RunOutcome; events: readonly RunEvent[] }> {
  const view = createRunView(terminal);
  const events: RunEvent[] = [];
  try {
    for await (const event of handle) {
      events.push(event);
      view.show(event);
    }
    return { outcome: await handle.outcome, events };
  } finally {
    view.end();
  }
}
