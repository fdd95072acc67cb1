import type { Approvals, Verdict } from '@genie/core/ports';
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
    const verdict = await prompter.select<Verdict | 'later'>('May it?', [
      { value: 'allow-once', label: 'Allow once', hint: 'this exact action, this time' },
      { value: 'allow-always', label: 'Allow always', hint: approval.action.subject },
      { value: 'deny', label: 'Deny', hint: 'this time' },
      { value: 'deny-always', label: 'Deny always', hint: approval.action.subject },
      { value: 'later', label: 'Decide later', hint: 'the run waits and costs nothing' },
    ]);
    if (verdict === 'later') return false;
    await approvals.decide(id, { verdict, by: 'user' });
  }
  return true;
}
