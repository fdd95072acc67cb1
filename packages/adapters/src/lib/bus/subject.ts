import { GenieError } from '@genie/core/errors';

const wordForm = /^[a-z][a-z0-9-]{0,47}$/;

/** Throws `GENIE_BUS_SUBJECT` unless it is `<domain>.<subdomain>.<resource>.<action>` in lower-case words. */
export function checkSubject(subject: string, domain: string): void {
  const words = typeof subject === 'string' ? subject.split('.') : [];
  if (words.length === 4 && words.every((word) => wordForm.test(word)) && words[0] === domain) return;
  throw new GenieError(
    'GENIE_BUS_SUBJECT',
    `The subject ${JSON.stringify(String(subject).slice(0, 80))} does not fit: use "${domain}.<subdomain>.<resource>.<action>", lower-case words of letters, digits and dashes.`,
  );
}

/** Throws `GENIE_BUS_SUBJECT` for a pattern that no subject of the domain could match. */
export function checkPattern(pattern: string, domain: string): void {
  const words = typeof pattern === 'string' ? pattern.split('.') : [];
  const isRest = words.at(-1) === '>';
  const fits =
    words[0] === domain &&
    (isRest ? words.length >= 2 && words.length <= 4 : words.length === 4) &&
    words.slice(1, isRest ? -1 : undefined).every((word) => word === '*' || wordForm.test(word));
  if (fits) return;
  throw new GenieError(
    'GENIE_BUS_SUBJECT',
    `The pattern ${JSON.stringify(String(pattern).slice(0, 80))} matches nothing: use four words below "${domain}", "*" for one of them, ">" at the end for the rest.`,
  );
}

/** Whether a checked pattern covers a checked subject. */
export function matchesSubject(pattern: string, subject: string): boolean {
  const words = subject.split('.');
  const wanted = pattern.split('.');
  return wanted.every((word, index) => word === '>' || word === '*' || word === words[index]);
}

/** Names of durable consumers. Throws `GENIE_BUS_SUBJECT`. */
export function checkConsumer(name: string): void {
  if (/^[\w-]{1,64}$/.test(name)) return;
  throw new GenieError(
    'GENIE_BUS_SUBJECT',
    `The consumer name ${JSON.stringify(name.slice(0, 80))} does not fit: use 1 to 64 letters, digits, "_" and "-".`,
  );
}
