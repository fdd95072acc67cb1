export type { Terminal, TerminalEnd, TerminalOptions } from './lib/terminal/open-terminal.ts';
export { openTerminal } from './lib/terminal/open-terminal.ts';
export type { TerminalAudit, TerminalNote } from './lib/terminal/terminal-audit.ts';
export { openTerminalAudit } from './lib/terminal/terminal-audit.ts';
export type { TerminalMode } from './lib/terminal/terminal-mode.ts';
export type { TerminalGrant, TerminalTokens } from './lib/terminal/terminal-tokens.ts';
export { createTerminalTokens } from './lib/terminal/terminal-tokens.ts';
