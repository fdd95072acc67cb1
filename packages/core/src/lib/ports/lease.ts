export interface AcquireOptions {
  /** How long the lease lives without a renewal, in milliseconds. */
  readonly ttlMs: number;
  readonly signal?: AbortSignal;
}

/** A lease as it stands. */
export interface LeaseState {
  readonly key: string;
  readonly holder: string;
  readonly generation: number;
  /** False when it was given back or ran out. */
  readonly held: boolean;
}

/** One holder's turn. Everything it writes carries `generation`; a store refuses the writes of an older turn. */
export interface HeldLease {
  readonly key: string;
  readonly holder: string;
  /** Grows by at least one with every turn of the same key, for ever. */
  readonly generation: number;
  /** Called by the holder well before the time is over. False when somebody else had a turn since: stop working. */
  renew(): Promise<boolean>;
  /** Called before something that must not happen twice. Rejects with `GENIE_LEASE_LOST` when this turn is over. */
  check(): Promise<void>;
  /** Called when the work is done. Idempotent; never ends the turn of a later holder. */
  release(): Promise<void>;
}

/**
 * Who may work on something, between processes and machines. Time is the store's own, so clocks of holders may be wrong.
 * Rejects with `GENIE_LEASE_KEY` (a key that cannot be stored) and `GENIE_LEASE_STORE` (the store failed).
 */
export interface Leases {
  /** Called by whoever wants to work. Undefined while another turn lasts. Of many callers at once one wins. */
  acquire(key: string, options: AcquireOptions): Promise<HeldLease | undefined>;
  /** Called to show who works. Undefined when nobody ever held it. */
  read(key: string): Promise<LeaseState | undefined>;
  /** Ends the waiting, not the leases. Idempotent. */
  close(): Promise<void>;
}
