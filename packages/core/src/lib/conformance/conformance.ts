/** One promise of a port. Throws a plain error when it is broken, so no test runner is needed at run time. */
export interface ConformanceCase<Setup> {
  readonly name: string;
  /** A capability the implementation may lack; without it the case counts as unsupported, never as passed. */
  readonly requires?: string;
  run(setup: Setup): Promise<void>;
}

export interface ConformanceSuite<Setup> {
  readonly port: string;
  readonly cases: readonly ConformanceCase<Setup>[];
}

/** A fresh, empty implementation for one case. */
export interface ConformanceSetup<Setup> {
  readonly setup: Setup;
  readonly capabilities?: ReadonlySet<string>;
  close?(): Promise<void>;
}

export interface ConformanceResult {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'unsupported';
  readonly reason?: string;
  readonly tookMs: number;
}

export interface ConformanceReport {
  readonly port: string;
  readonly results: readonly ConformanceResult[];
  readonly failed: number;
}

/** Runs every case of a suite against its own fresh implementation. A case that takes over `timeoutMs` (default 30,000) fails. */
export async function runConformance<Setup>(
  suite: ConformanceSuite<Setup>,
  create: () => Promise<ConformanceSetup<Setup>>,
  options: { readonly timeoutMs?: number } = {},
): Promise<ConformanceReport> {
  const results: ConformanceResult[] = [];
  for (const one of suite.cases) results.push(await runCase(one, create, options.timeoutMs ?? 30_000));
  return { port: suite.port, results, failed: results.filter((result) => result.status === 'failed').length };
}

async function runCase<Setup>(
  one: ConformanceCase<Setup>,
  create: () => Promise<ConformanceSetup<Setup>>,
  timeoutMs: number,
): Promise<ConformanceResult> {
  const startedAt = performance.now();
  const result = (status: ConformanceResult['status'], reason?: string): ConformanceResult => ({
    name: one.name,
    status,
    ...(reason === undefined ? {} : { reason }),
    tookMs: performance.now() - startedAt,
  });
  let fresh: ConformanceSetup<Setup> | undefined;
  try {
    fresh = await create();
    if (one.requires !== undefined && !fresh.capabilities?.has(one.requires)) {
      return result('unsupported', `needs the capability "${one.requires}"`);
    }
    await withinTime(one.run(fresh.setup), timeoutMs);
    return result('passed');
  } catch (error) {
    return result('failed', error instanceof Error ? error.message : String(error));
  } finally {
    await fresh?.close?.().catch(() => undefined);
  }
}

async function withinTime(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws when `condition` is false. For use in conformance cases. */
export function expectThat(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Throws when the two values are not equal as JSON. For use in conformance cases. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const left = JSON.stringify(actual);
  const right = JSON.stringify(expected);
  if (left !== right) throw new Error(`${what}: expected ${right}, got ${left}`);
}

/** Throws unless `work` rejects with that code. For use in conformance cases. */
export async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    const actual = (error as { code?: unknown } | null)?.code;
    if (actual === code) return;
    throw new Error(`expected error ${code}, got ${String(actual)}: ${String(error)}`);
  }
  throw new Error(`expected error ${code}, but nothing was thrown`);
}
