/** What still gets out when a program does not cooperate. See guarantee 3. */
export type EgressGrade = 'in-process' | 'proxy' | 'contained';

/** Who asks and why; it is shown to the user with the approval and written to the audit log. */
export interface EgressContext {
  readonly genieId?: string;
  readonly runId?: string;
  readonly callId?: string;
  readonly tool?: string;
  /** The genie's own words. Shown as a claim. */
  readonly claim?: string;
}

/**
 * The one door out. Called by tools, models and MCP clients. `fetch` rejects with `GENIE_EGRESS_DENIED` when the policy
 * or the user says no, and with `GENIE_APPROVAL_REQUIRED` (nothing was sent, not even a DNS query) while the user has not decided.
 */
export interface EgressPort {
  fetch(input: string | URL | Request, init?: RequestInit, context?: EgressContext): Promise<Response>;
  readonly grade: EgressGrade;
  close(): Promise<void>;
}
