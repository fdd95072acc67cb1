/** Options of common programs whose value is a secret or data of the user: headers, bodies, users, forms, cookies, keys. */
const secretOption =
  /(^|\s)(-[HdubFK]|--(?:header|data(?:-[a-z]+)?|json|user|proxy-user|form(?:-string)?|cookie|oauth2-bearer|pass(?:word|phrase)?|token|secret|api-?key|key))(=|\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s;|&]+)/gi;
const secretAssignment =
  /\b(\w*(?:token|key|secret|passw(?:or)?d|passphrase|credential)\w*)=("[^"]*"|'[^']*'|[^\s;|&]+)/gi;

/**
 * A command as a stranger may see it, e.g. in an approval that is pushed to a phone: query strings, user names and passwords of addresses,
 * values of options and variables that hold secrets or bodies, and whatever looks like a token are `***`. At most 300 characters.
 * It may hide too much, and a secret in a form of its own is not found: a command should get credentials from the filter instead.
 */
export function maskCommand(command: string): string {
  return command
    .slice(0, 4_000)
    .replace(/(:\/\/)[^\s/@'"]+@/g, '$1***@')
    .replace(/\?[^\s'"`]*/g, '?***')
    .replace(secretOption, '$1$2$3***')
    .replace(secretAssignment, '$1=***')
    .replace(/\b(bearer|basic)\s+[^\s'"]+/gi, '$1 ***')
    .replace(/[\w+-]{20,}/g, (word) => (/\d/.test(word) && /[a-z]/i.test(word) ? '***' : word))
    .slice(0, 300);
}
