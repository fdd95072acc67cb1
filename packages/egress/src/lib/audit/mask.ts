/** Path and query with every query value and every segment that looks like a secret replaced by `***`. At most 500 characters. */
export function maskPath(path: string): string {
  const question = path.indexOf('?');
  const pathname = question === -1 ? path : path.slice(0, question);
  const masked = pathname.length > 20 ? pathname.split('/').map(maskSegment).join('/') : pathname;
  return (question === -1 ? masked : `${masked}?${maskQuery(path.slice(question + 1))}`).slice(0, 500);
}

function maskQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals === -1 ? '***' : `${pair.slice(0, equals).slice(0, 64)}=***`;
    })
    .join('&');
}

/**
 * The authority of a request line that could not be read, for the log: without path and query, user information replaced by
 * `***`. At most 100 characters.
 */
export function maskAuthority(target: string): string {
  const authority = /^(?:[a-z][a-z0-9+.-]*:\/\/)?([^/?#\\]*)/i.exec(target)?.[1] ?? '';
  return authority.replace(/^.*@/s, '***@').slice(0, 100);
}

// Tokens in paths (bot tokens, signed links) are long and mix letters with digits; words and dates are not. Words around a
// token (`sk_live_…`) do not make it a title.
function maskSegment(segment: string): string {
  if (segment.length < 20 || !isMixed(segment)) return segment;
  const looksLikeTitle = /[-_.][a-z]{3,}[-_.]/.test(segment);
  const hasToken = segment.split(/[-_.~:;,=]/).some((part) => part.length >= 12 && isMixed(part));
  return looksLikeTitle && !hasToken ? segment : '***';
}

function isMixed(text: string): boolean {
  return /[0-9]/.test(text) && /[A-Za-z]/.test(text);
}
