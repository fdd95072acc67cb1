import type { Approvals, Verdict } from '@genie/core/ports';
import { allowForRun } from '@genie/egress';
import { approvalLines } from '../../print/approval.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { createPrompter } from './prompt-user.ts';

/** Shows what is asked and takes the user's decisions. False when one of them was put off. */
export async function askDecisions(terminal: Terminal, approvals: Approvals, ids: readonly string[]): Promise<boolean> {
  const prompter = await createPrompter(terminal);
  for (const id of ids) {
    const approval = await approvals.get(id);
    if (approval?.status !== 'pending') continue;
    terminal.print();
    for (const line of approvalLines(approval, { style: terminal.style, now: Date.now() })) terminal.print(line);
    const isForRun = approval.action.kind === 'egress' && approval.runId !== undefined;
    const forRun = isForRun
      ? [{ value: 'allow-for-run', label: 'Allow for this run', hint: approval.action.subject } as const]
      : [];
    const verdict = await prompter.select<Verdict | 'allow-for-run' | 'later'>('May it?', [
      { value: 'allow-once', label: 'Allow once', hint: 'this exact action, this time' },
      ...forRun,
      { value: 'allow-always', label: 'Allow always', hint: approval.action.subject },
      { value: 'deny', label: 'Deny', hint: 'this time' },
      { value: 'deny-always', label: 'Deny always', hint: approval.action.subject },
      { value: 'later', label: 'Decide later', hint: 'the run waits and costs nothing' },
    ]);
    if (verdict === 'later') return false;
    if (verdict === 'allow-for-run') await allowForRun(approvals, id, { by: 'user' });
    else await approvals.decide(id, { verdict, by: 'user' });
  }
  return true;
}
