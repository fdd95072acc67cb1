/** What goes into a header as it is. */
const plain = /^[!-$&-~]+$/;

/**
 * An id as the header by which the server knows what it has already. Headers are trimmed and UTF-8, so an id with spaces at its ends, or with half of a
 * surrogate pair, would be taken for another one: whatever is not visible ASCII is written as `%` and the four hex digits of each code unit.
 */
export function toMessageId(id: string): string {
  if (plain.test(id)) return id;
  return id.replace(/[^!-$&-~]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
