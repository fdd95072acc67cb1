/** The beginning of a text that fits into so many bytes of UTF-8, cut between characters. */
export function clipBytes(text: string, maxBytes: number): string {
  // A lone half of a pair has no UTF-8 form.
  const whole = text.toWellFormed();
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  let kept = '';
  let bytes = 0;
  for (const character of whole) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes - 3) break;
    kept += character;
  }
  return `${kept}…`;
}
