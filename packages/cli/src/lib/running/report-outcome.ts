import type { RunOutcome } from '@genie/core';
import { count, number, usd } from '../../print/amounts.ts';
import { markdown } from '../../print/markdown.ts';
import { plainLine } from '../../print/style.ts';
import { type ExitCode, exitCodes } from '../cli/exit-codes.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Prints how a run ended: the briefing on stdout, everything else as notes. Returns the exit code. */
export function reportOutcome(terminal: Terminal, outcome: RunOutcome, words: string): ExitCode {
  const { noteStyle: style } = terminal;
  terminal.printJson({ type: 'outcome', ...outcome });
  if (outcome.text.trim() !== '' && !terminal.json) {
    terminal.note('');
    for (const line of markdown(outcome.briefing?.markdown ?? outcome.text, terminal)) terminal.print(line);
    terminal.note('');
  }
  const note = (line: string): void => void (terminal.json || terminal.note(line));
  switch (outcome.status) {
    case 'completed':
      note(`${style.green('Done.')} ${spentWords(outcome)}`);
      return exitCodes.ok;
    case 'skipped':
      note(`${style.green('Nothing to do:')} ${plainLine(outcome.reason)}. ${spentWords(outcome)}`);
      return exitCodes.ok;
    case 'waiting':
      note(
        `${style.yellow('Waits for you:')} ${count(outcome.approvalIds?.length ?? 0, 'approval')}. It costs nothing meanwhile.`,
      );
      note(`  See and decide:  genie approve ${words}`);
      note(`  Then go on:      genie resume ${words} ${outcome.runId}`);
      return exitCodes.waiting;
    case 'cancelled':
      note(
        `${style.yellow('Cancelled.')} Everything done so far is kept. Go on with: genie resume ${words} ${outcome.runId}`,
      );
      return exitCodes.cancelled;
    case 'failed':
      note(
        `${style.red('Failed:')} ${plainLine(outcome.error?.message ?? outcome.reason)} ${style.dim(`[${outcome.error?.code ?? 'GENIE_RUN_FAILED'}]`)}`,
      );
      return exitCodes.failed;
    default:
      return outcome.status satisfies never;
  }
}

/** `2 model calls, 4 301 tokens, $0.012; probes say achieved.` */
export function spentWords({ usage, costUsd, verdict }: RunOutcome): string {
  const parts = [count(usage.modelCalls, 'model call'), `${number(usage.inputTokens + usage.outputTokens)} tokens`];
  if (costUsd !== undefined) parts.push(usd(costUsd));
  return `${parts.join(', ')}${verdict ? `; probes say ${verdict.outcome}` : ''}.`;
}
