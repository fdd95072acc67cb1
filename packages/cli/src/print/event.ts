import type { Terminal } from '../lib/terminal/terminal.ts';
import type { LoggedEvent } from '../lib/watching/read-events.ts';
import { plainLine } from './style.ts';

const shownApart: ReadonlySet<string> = new Set(['type', 'at', 'source', 'runId']);

/** `07:30:01.123 tool.completed run_01… tool=git_log tookMs=12`. */
export function eventLine(event: LoggedEvent, { style, width }: Terminal): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  const rest = Object.entries(event)
    .filter(([name]) => !shownApart.has(name))
    .map(
      ([name, value]) =>
        `${style.dim(`${name}=`)}${plainLine(typeof value === 'string' ? value : JSON.stringify(value), 80)}`,
    );
  const line = `${style.dim(time)} ${paint(event.type, style)} ${event.runId ? `${style.dim(event.runId)} ` : ''}${rest.join(' ')}`;
  return style.isOn ? line : plainLine(line, Math.max(width, 400));
}

function paint(type: string, style: Terminal['style']): string {
  if (/failed|exceeded|blocked|missed/.test(type)) return style.red(type);
  return /approval|repeat|trimmed/.test(type) ? style.yellow(type) : style.cyan(type);
}
