/** What the process ends with; documented in docs/cli.md and printed by `genie help`. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** A run waits for the user's decision. */
  waiting: 3,
  /** With `--exit-code`: the wake gate found nothing new. */
  nothingNew: 4,
  /** Ctrl-C. The run can be resumed. */
  cancelled: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
