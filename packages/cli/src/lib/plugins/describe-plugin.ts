import type { PluginCheck, PluginInspection } from '@genie/tools';
import { plainLine } from '../../print/style.ts';
import type { Terminal } from '../terminal/terminal.ts';

const shownFindings = 20;

/** What a plugin says of itself, and what a scan of its code found: what a person decides on. */
export function printInspection(terminal: Terminal, { manifest, findings }: PluginInspection): void {
  const { style } = terminal;
  terminal.print(`${style.bold(manifest.id)} ${manifest.version}  ${plainLine(manifest.description)}`);
  terminal.print(`  wants: ${manifest.permissions.join(', ') || 'nothing'}`);
  for (const tool of manifest.tools) {
    const wants = tool.permissions.length === 0 ? '' : ` [${tool.permissions.join(', ')}]`;
    terminal.print(`  tool:  ${tool.name} (${tool.effect})${wants}  ${style.dim(plainLine(tool.description, 120))}`);
  }
  if (findings.length === 0) terminal.print(`  scan:  ${style.green('nothing noticed')}`);
  for (const { path, line, why } of findings.slice(0, shownFindings))
    terminal.print(`  scan:  ${style.yellow(`${plainLine(path)}:${line}`)} ${plainLine(why)}`);
  if (findings.length > shownFindings) terminal.print(`  scan:  and ${findings.length - shownFindings} more`);
  if (findings.length > 0)
    terminal.print(style.dim('  A scan is a warning, not a wall: what is enforced are the permissions.'));
}

/** The kit. */
export function printReport(terminal: Terminal, report: PluginCheck['report']): void {
  const { style } = terminal;
  for (const { name, status, reason } of report.results) {
    const mark = status === 'passed' ? style.green('✓') : status === 'failed' ? style.red('✗') : style.yellow('–');
    terminal.print(`  ${mark} ${plainLine(name)}${reason === undefined ? '' : `: ${plainLine(reason, 300)}`}`);
  }
}
