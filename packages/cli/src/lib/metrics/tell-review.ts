import { proposalLines } from '../../print/metrics.ts';
import { plainLine } from '../../print/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { ReviewReport } from './self-review.ts';

/** True when there is something to tell. */
export function hasNews(report: ReviewReport): boolean {
  const { adopted, refused, undone, evaluation } = report;
  return adopted.length + refused.length + undone.length > 0 || evaluation !== undefined;
}

/** Tells after a run what the genie changed about itself, and what it asks for. Notes: the briefing is the result. */
export function tellReview(terminal: Terminal, report: ReviewReport, words: string): void {
  if (terminal.json || !hasNews(report)) return;
  const { noteStyle: style } = terminal;
  const { adopted, refused, undone, evaluation } = report;
  terminal.note('');
  for (const { title, experimentId } of adopted) {
    const tried = experimentId === undefined ? '' : ' after an experiment';
    terminal.note(`${style.green('Adopted')}${tried}: ${plainLine(title)}. It is undone if a KPI gets worse.`);
  }
  for (const { title, reason } of refused)
    terminal.note(`${style.yellow('Not adopted:')} ${plainLine(title)}: ${plainLine(reason, 300)}`);
  for (const { title, body } of undone) terminal.note(`${style.yellow(plainLine(title))}: ${plainLine(body, 300)}`);
  if (evaluation === undefined) return;
  terminal.note(`${style.bold('Self-evaluation')} (${evaluation.reason}): ${plainLine(evaluation.summary, 300)}`);
  for (const line of proposalLines(evaluation, { style }, words)) terminal.note(line);
}
