/** What `genie doctor` found out about one thing. */
export interface Check {
  readonly name: string;
  /** `fail` keeps a genie from working, `warn` from working fully; `absent` is not there and not needed. */
  readonly status: 'ok' | 'absent' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}
