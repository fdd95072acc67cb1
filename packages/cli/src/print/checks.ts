import type { Check } from '../lib/diagnosis/check.ts';
import { plainLine, type Style } from './style.ts';
import { table } from './table.ts';

/** What was checked, a line each: ✓ works, – is not there and not needed, ! works in part, ✗ does not work. */
export function checkLines(checks: readonly Check[], style: Style): readonly string[] {
  const marks = { ok: style.green('✓'), absent: style.dim('–'), warn: style.yellow('!'), fail: style.red('✗') };
  return table(
    checks.map(({ name, status, detail, fix }) => [
      marks[status],
      style.bold(name),
      plainLine(fix ? `${detail} → ${fix}` : detail),
    ]),
  );
}
