import type { Terminal } from '../src/lib/terminal/terminal.ts';

/** Prints the story and keeps account of what was promised in it. */
export interface Stage {
  scene(title: string): void;
  say(text?: string): void;
  /** A claim of the story. A false one is printed as such and fails the demo. */
  expect(condition: boolean, claim: string): void;
  readonly failures: readonly string[];
}

export function createStage(terminal: Terminal): Stage {
  const { style } = terminal;
  const failures: string[] = [];
  let scenes = 0;
  return {
    failures,
    scene(title) {
      scenes += 1;
      terminal.print(`\n${style.magenta(String(scenes))} ${style.bold(title)}`);
    },
    say: (text = '') => terminal.print(text === '' ? '' : `  ${text}`),
    expect(condition, claim) {
      if (!condition) failures.push(claim);
      terminal.print(`  ${condition ? style.green('✓') : style.red('✗ NOT SO:')} ${claim}`);
    },
  };
}
