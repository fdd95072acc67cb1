/** Replaces secrets in texts that people or logs may see. */
export type Redact = (text: string) => string;

/**
 * Hides keys, their percent-encoded and base64 forms, and masked echoes of them (some providers answer with the first
 * characters of a wrong key). Keys under 8 characters are replaced only as whole words.
 */
export function createRedactor(secrets: readonly (string | undefined)[]): Redact {
  const patterns = secrets.flatMap((secret) => (secret === undefined || secret === '' ? [] : patternsOf(secret)));
  if (patterns.length === 0) return (text) => text;
  return (text) => patterns.reduce((safe, pattern) => safe.replace(pattern, '[key]'), text);
}

function patternsOf(secret: string): RegExp[] {
  if (secret.length < 8) return [new RegExp(`(?<![\\w-])${escapePattern(secret)}(?![\\w-])`, 'g')];
  const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')];
  const patterns = [...new Set(forms)].map((form) => new RegExp(escapePattern(form), 'g'));
  if (secret.length >= 16) {
    // "sk-proj-abc***wxyz": a start of the key, then whatever stands in for the rest.
    patterns.push(new RegExp(`${escapePattern(secret.slice(0, 8))}[^\\s"',}]*`, 'g'));
    patterns.push(new RegExp(`[\\w*.-]*[*.…]{2,}${escapePattern(secret.slice(-4))}`, 'g'));
  }
  return patterns;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
