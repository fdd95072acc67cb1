import type { Metrics, StoredFeedback } from '@genie/metrics';
import type { Briefed } from '../lib/metrics/give-feedback.ts';
import type { Terminal } from '../lib/terminal/terminal.ts';
import { plainLine } from './style.ts';

/** The items that can be judged, and what was judged so far. */
export async function showItems(
  { runId, briefing }: Briefed,
  { metrics, words }: { readonly metrics: Metrics; readonly words: string },
  terminal: Terminal,
): Promise<void> {
  const preferences = await metrics.preferences();
  terminal.printJson({ runId, items: briefing?.items ?? [], preferences });
  const { style } = terminal;
  if (briefing === undefined) terminal.print('There is no briefing to judge yet.');
  else terminal.print(`${style.bold(plainLine(briefing.title))} ${style.dim(runId ?? '')}`);
  for (const [index, item] of (briefing?.items ?? []).entries())
    terminal.print(`${String(index + 1).padStart(3)}  ${plainLine(item.text, terminal.width - 8)}`);
  if (preferences.sources.length > 0) {
    terminal.print(style.bold('What you said of sources so far'));
    for (const { key, why } of preferences.sources.slice(0, 10))
      terminal.print(`  ${plainLine(key, 80)}  ${style.dim(why)}`);
  }
  if (briefing !== undefined)
    terminal.print(style.dim(`Judge one: genie feedback ${words} 1 --up | --down | --irrelevant`));
}

export function showStored(stored: StoredFeedback, terminal: Terminal): void {
  terminal.printJson({ feedback: stored });
  const about = stored.source === undefined ? '' : ` It ranks what comes from ${plainLine(stored.source, 100)}.`;
  const gone = stored.runKnown === false ? ' No outcome of that run is known any more; it counts all the same.' : '';
  terminal.print(`${terminal.style.green('✓')} Thank you.${about}${gone}`);
}
