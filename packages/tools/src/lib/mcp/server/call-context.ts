import type { JsonObject } from '@genie/core';
import { missingCapability } from '../mcp-errors.ts';
import { AnswersMissing, type McpAnswer, type McpQuestion, neededCapability, readAnswer } from './question.ts';

export type McpLogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** What a handler of a tool, a prompt or a resource may use while it answers one request. */
export interface McpCallContext {
  readonly callId: string;
  /** `modern` is 2026-07-28 and later; `legacy` everything before. */
  readonly era: 'modern' | 'legacy';
  /** Only legacy connections over HTTP have one. */
  readonly sessionId?: string;
  readonly clientCapabilities: JsonObject;
  /** Aborts when the client cancels or goes away. */
  readonly signal: AbortSignal;
  /** What `prepare` returned. */
  readonly prepared?: unknown;
  /** Told to the client when it asked for progress. */
  progress(done: number, total?: number, message?: string): Promise<void>;
  /** Reaches the client when it asked for logs of this level. */
  log(level: McpLogLevel, data: unknown, logger?: string): Promise<void>;
  /**
   * Asks the client's user, model or folders. The handler starts again from its beginning with each round of answers, so
   * ask before you act. In a task it simply waits. Throws a JSON-RPC error when the client cannot be asked that.
   */
  ask(questions: Readonly<Record<string, McpQuestion>>): Promise<Readonly<Record<string, McpAnswer>>>;
  /** Ends the HTTP stream of this request early; the client fetches the rest later. Legacy sessions only. */
  closeStream(): void;
}

/** Throws when the client did not declare one of the capabilities. */
export function requireCapabilities(declared: JsonObject, needed: readonly Readonly<Record<string, unknown>>[]): void {
  for (const need of needed) {
    const missing = missingPart(declared, need);
    if (missing) throw missingCapability(missing);
  }
}

function missingPart(
  declared: JsonObject,
  need: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  for (const [name, part] of Object.entries(need)) {
    const own = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (typeof own !== 'object' || own === null) return { [name]: part };
    const inner = missingPart(own as JsonObject, part as Record<string, unknown>);
    if (inner) return { [name]: inner };
  }
  return undefined;
}

/** Answers from what this round brought; throws {@link AnswersMissing} with the questions that are still open. */
export function answersOrThrow(
  questions: Readonly<Record<string, McpQuestion>>,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, McpAnswer>> {
  const answers: Record<string, McpAnswer> = {};
  const open: Record<string, McpQuestion> = {};
  for (const [key, question] of Object.entries(questions)) {
    const answer = Object.hasOwn(given, key) ? readAnswer(question, given[key]) : undefined;
    if (answer) answers[key] = answer;
    else open[key] = question;
  }
  if (Object.keys(open).length > 0) throw new AnswersMissing(open);
  return answers;
}

/** Throws when one of the questions cannot be put to this client. */
export function requireAskable(declared: JsonObject, questions: Readonly<Record<string, McpQuestion>>): void {
  requireCapabilities(declared, Object.values(questions).map(neededCapability));
}
