import path from 'node:path';
import { type CommandResult, runCommand } from './run-command.ts';

export interface Step {
  readonly name: string;
  /** A program of node_modules/.bin, or `node` with a script of this folder. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Shows its output as it comes. Otherwise output is kept back and printed only when the step fails. */
  readonly loud?: boolean;
}

const root = path.dirname(import.meta.dirname);

/** Runs the steps one after another and stops at the first that fails, because later ones would only repeat its message. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const start = performance.now();
    if (step.loud) console.log(`… ${step.name}`);
    const { code, output } = await runStep(step);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (code !== 0) {
      console.error(`${output}\n✗ ${step.name} (${seconds} s), exit code ${code}: ${step.command.join(' ')}`);
      process.exitCode = 1;
      return;
    }
    // The last lines of a loud step are its own summary, so nothing is printed after them.
    if (!step.loud) console.log(`✓ ${step.name} (${seconds} s)`);
  }
}

function runStep({ command: [program, ...args], loud = false }: Step): Promise<CommandResult> {
  if (program !== 'node') return runCommand({ program, args, cwd: root, loud });
  return runCommand({ program: process.execPath, args: [...process.execArgv, ...args], cwd: root, loud });
}
