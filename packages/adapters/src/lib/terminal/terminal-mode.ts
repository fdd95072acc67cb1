/** `read-only` runs inspection commands without a shell; `full` is a shell. */
export type TerminalMode = 'read-only' | 'full';
