/** How a push service of a test answers. */
export interface FarAnswer {
  readonly status: number;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

export interface FarDelivery {
  readonly token: string;
  readonly title: string;
  readonly body: string;
  readonly id: string;
  /** Everything else that a test may want to look at. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: unknown;
}

/** The part that the push services of the tests share: who is registered, who fails, what arrived. */
export interface FarSide {
  readonly arrived: FarDelivery[];
  /** Decides about one request; undefined delivers it. Default: delivers. */
  decide: (token: string, attempt: number) => FarAnswer | undefined;
  /** How often a token was tried. */
  readonly attempts: Map<string, number>;
}

export function createFarSide(): FarSide {
  return { arrived: [], attempts: new Map(), decide: () => undefined };
}

/** Notes the try and asks. */
export function decide(far: FarSide, token: string): FarAnswer | undefined {
  const attempt = (far.attempts.get(token) ?? 0) + 1;
  far.attempts.set(token, attempt);
  return far.decide(token, attempt);
}
