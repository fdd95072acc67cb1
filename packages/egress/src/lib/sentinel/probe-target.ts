import { GenieError } from '@genie/core/errors';
import type { EgressPort } from '@genie/core/ports';

/** Something that answers when the network works. Probed through the filter, so it has to be in the allowlist. */
export interface ProbeTarget {
  readonly url: string;
  /** The status that proves the answer is the target's own. Needed for `http:`, where anybody can answer. */
  readonly expectStatus?: number;
}

/** `refused` means our own policy said no, which says nothing about the network. */
export type ProbeResult = 'ok' | 'slow' | 'captive' | 'failed' | 'refused';

export interface ProbeOptions {
  readonly fetch: EgressPort['fetch'];
  readonly timeoutMs: number;
  /** Slower answers count as `slow`. */
  readonly slowMs: number;
  readonly elapsed: () => number;
  readonly signal?: AbortSignal;
}

/** Asks one target once with HEAD. Never rejects. */
export async function probeTarget(target: ProbeTarget, options: ProbeOptions): Promise<ProbeResult> {
  const patience = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, patience]) : patience;
  const startedAt = options.elapsed();
  try {
    const answer = await options.fetch(
      target.url,
      { method: 'HEAD', redirect: 'manual', signal },
      { tool: 'network sentinel' },
    );
    if (!isOwnAnswer(target, answer)) return 'captive';
    return options.elapsed() - startedAt > options.slowMs ? 'slow' : 'ok';
  } catch (error) {
    return judgeError(error);
  }
}

/** Over TLS any answer is the target's own. Over plain HTTP a portal would answer with a redirect or a page. */
function isOwnAnswer({ url, expectStatus }: ProbeTarget, answer: Response): boolean {
  if (expectStatus !== undefined) return answer.status === expectStatus;
  if (url.startsWith('https:')) return true;
  const location = answer.headers.get('location');
  return location === null || new URL(location, url).host === new URL(url).host;
}

function judgeError(error: unknown): ProbeResult {
  if (GenieError.isInstance(error)) {
    // The resolver and the server are the network; everything else is us.
    return error.code === 'GENIE_EGRESS_UNREACHABLE' ? 'failed' : 'refused';
  }
  const code = String((error as { cause?: { code?: unknown } } | null)?.cause?.code ?? '');
  return /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/.test(code) ? 'captive' : 'failed';
}
