import type { ErrorRecord } from '@genie/core/errors';
import type { Terminal } from '../terminal/terminal.ts';

/** Prints what stopped nothing and should be known, as a note. */
export function tellWarning(terminal: Pick<Terminal, 'note'>): (warning: ErrorRecord) => void {
  return ({ code, message }) => terminal.note(`${message} [${code}]`);
}
