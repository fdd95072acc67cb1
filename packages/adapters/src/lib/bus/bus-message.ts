import { GenieError } from '@genie/core/errors';
import type { BusMessage, JsonValue } from '@genie/core/ports';
import type { BusCatalogue } from './catalogue.ts';
import { checkSubject } from './subject.ts';

export interface OutgoingMessage {
  readonly id: string;
  readonly subject: string;
  readonly payload: JsonValue;
}

export interface MessageRules {
  readonly domain: string;
  readonly catalogue: BusCatalogue;
  readonly maxBytes: number;
}

/** The stored form of a message, version 1. Throws `GENIE_BUS_SUBJECT` and `GENIE_BUS_MESSAGE`. */
export function toText(message: OutgoingMessage, at: number, { domain, catalogue, maxBytes }: MessageRules): string {
  const { id, subject, payload } = message;
  checkSubject(subject, domain);
  if (typeof id !== 'string' || id.length === 0 || id.length > 200 || /[\r\n]/.test(id))
    throw refused(subject, 'its id is not 1 to 200 characters of one line');
  const text = JSON.stringify({ v: 1, id, subject, at, payload });
  // What comes out at the other end is what is checked.
  const problem = catalogue(subject, (JSON.parse(text) as { payload?: JsonValue }).payload ?? null);
  if (problem !== undefined) throw refused(subject, problem);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes)
    throw refused(subject, `it has ${bytes} bytes, the bus takes ${maxBytes}; put large content into the object store`);
  return text;
}

/** Undefined for bytes that are no message of version 1. */
export function fromText(text: string, attempt: number): BusMessage | undefined {
  try {
    const { v, id, subject, at, payload } = JSON.parse(text) as Record<string, unknown>;
    if (v !== 1 || typeof id !== 'string' || typeof subject !== 'string' || typeof at !== 'number') return undefined;
    return { id, subject, at, attempt, payload: (payload ?? null) as JsonValue };
  } catch {
    return undefined;
  }
}

function refused(subject: string, problem: string): GenieError {
  return new GenieError('GENIE_BUS_MESSAGE', `The message for "${subject}" is refused: ${problem}.`, {
    details: { subject },
  });
}

export function closedError(): GenieError {
  return new GenieError('GENIE_BUS_CLOSED', 'The bus is closed. Open it again to go on.');
}
