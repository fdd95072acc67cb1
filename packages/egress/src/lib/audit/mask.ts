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

// Tokens in paths (bot tokens, signed links) are long and mix letters with digits; words and dates are not.
function maskSegment(segment: string): string {
  const isLong = segment.length >= 20 && /[0-9]/.test(segment) && /[A-Za-z]/.test(segment);
  return isLong && !/[-_.][a-z]{3,}[-_.]/.test(segment) ? '***' : segment;
}
