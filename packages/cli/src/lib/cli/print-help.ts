import { table, wrap } from '../../print/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Catalogue, type Command, type Flags, globalFlags } from './command.ts';

/** `genie help`: every command in one screen. */
export function printHelp(terminal: Terminal, catalogue: Catalogue): void {
  const { style } = terminal;
  terminal.printJson({ commands: Object.entries(catalogue).map(([name, { summary }]) => ({ name, summary })) });
  terminal.print(`${style.bold('genie')}  long-lived agents with one goal, a home and a schedule`);
  terminal.print();
  terminal.print(style.bold('Usage'));
  terminal.print('  genie <command> [NAME] [options]');
  terminal.print();
  terminal.print(style.bold('Commands'));
  const commands = Object.entries(catalogue).map(([name, { summary }]) => [style.cyan(name), summary]);
  for (const line of table(commands, 2)) terminal.print(line);
  terminal.print();
  terminal.print(style.bold('Start here'));
  terminal.print('  genie new --goal "Brief me on what changed in this repository" --source . --yes');
  terminal.print('  genie run');
  terminal.print();
  terminal.print(style.bold('Every command takes'));
  printFlags(terminal, globalFlags);
  terminal.print();
  terminal.print(
    'Genies live in $GENIE_HOME, else in ~/.genie, one folder each. NAME may be left out while there is only one.',
  );
  terminal.print(
    'Exit codes: 0 done · 1 failed · 2 wrong usage · 3 waits for your approval · 4 nothing new (run --exit-code) · 130 cancelled',
  );
}

/** `genie <command> --help`, with examples. */
export function printCommandHelp(terminal: Terminal, command: Command): void {
  const { style } = terminal;
  terminal.printJson({ ...command, flags: { ...command.flags, ...globalFlags } });
  terminal.print(`${style.bold(`genie ${command.name}`)}  ${command.summary}`);
  terminal.print();
  terminal.print(style.bold('Usage'));
  terminal.print(`  genie ${command.usage}`);
  if (command.description) {
    terminal.print();
    for (const paragraph of command.description.split('\n'))
      for (const line of wrap(paragraph, terminal.width - 2)) terminal.print(line);
  }
  if (Object.keys(command.flags).length > 0) {
    terminal.print();
    terminal.print(style.bold('Options'));
    printFlags(terminal, command.flags);
  }
  terminal.print();
  terminal.print(style.bold('Every command takes'));
  printFlags(terminal, globalFlags);
  terminal.print();
  terminal.print(style.bold('Examples'));
  for (const [commandLine, meaning] of command.examples) {
    terminal.print(`  ${style.dim(`# ${meaning}`)}`);
    terminal.print(`  ${commandLine}`);
  }
}

function printFlags(terminal: Terminal, flags: Flags): void {
  const rows = Object.entries(flags).map(([name, flag]) => {
    const value = flag.type === 'boolean' ? '' : ` ${flag.value ?? (flag.type === 'number' ? 'N' : 'TEXT')}`;
    const more = flag.repeatable ? ' (may be repeated)' : '';
    const choices = flag.choices ? ` (${flag.choices.join(', ')})` : '';
    return [
      terminal.style.cyan(`${flag.short ? `-${flag.short}, ` : '    '}--${name}${value}`),
      `${flag.help}${choices}${more}`,
    ];
  });
  for (const line of table(rows, 2)) terminal.print(line);
}
