import { validateEvent } from '@genie/core/events';
import type { GenieEvent, JsonValue } from '@genie/core/ports';

/** Says what is wrong with a message, or nothing when it may pass. */
export type BusCatalogue = (subject: string, payload: JsonValue) => string | undefined;

export interface CatalogueOptions {
  /** First word of every subject. Default `genie`. */
  readonly domain?: string;
  /** More subjects, each with a check of its payload that returns what is wrong. */
  readonly subjects?: Readonly<Record<string, (payload: JsonValue) => string | undefined>>;
}

/**
 * The subjects that may cross the bus: every event of the catalogue as `<domain>.events.<noun>.<verb>`, its payload checked by the event's schema, and what
 * the server adds. Anything else is refused.
 */
export function createCatalogue({ domain = 'genie', subjects = {} }: CatalogueOptions = {}): BusCatalogue {
  const events = `${domain}.events.`;
  return (subject, payload) => {
    const check = Object.hasOwn(subjects, subject) ? subjects[subject] : undefined;
    if (check) return check(payload);
    if (!subject.startsWith(events)) return `the catalogue has no subject "${subject}"`;
    const type = subject.slice(events.length);
    const event = payload as { readonly type?: unknown } | null;
    if (event?.type !== type) return `its payload is an event "${String(event?.type)}"`;
    return validateEvent(event as unknown as GenieEvent);
  };
}

/** The subject of an event: `run.started` is `genie.events.run.started`. */
export function subjectOfEvent(type: GenieEvent['type'], domain = 'genie'): string {
  return `${domain}.events.${type}`;
}
