/** Where committed bytes go besides the database itself: the encrypted log. Called before a commit is acknowledged. */
export interface CommitSink {
  begin(): void;
  /** Called inside the transaction, after all statements. Throwing undoes the commit. */
  beforeCommit(): void;
  /** Called after the commit. Must not throw for the commit's sake: it is acknowledged. */
  afterCommit(): void;
  abort(): void;
  scrub(): Promise<void>;
  close(): Promise<void>;
}
