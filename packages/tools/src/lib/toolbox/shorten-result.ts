type Plain = Readonly<Record<string, unknown>>;

/**
 * Makes a result fit into a number of characters of JSON and keeps its form as far as possible: a list called `items`,
 * `entries`, `matches`, `rows` or `files` loses its last members, other long texts lose their middle. Always marked
 * `truncated: true`.
 */
export function shortenResult(value: unknown, json: string, maxCharacters: number): Plain {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { truncated: true, preview: cutMiddle(typeof value === 'string' ? value : json, maxCharacters) };
  }
  const record = value as Plain;
  const list = ['items', 'entries', 'matches', 'rows', 'files'].find((name) => Array.isArray(record[name]));
  if (list !== undefined) {
    const shorter = shortenList(record, list, maxCharacters);
    if (shorter) return shorter;
  }
  return shortenTexts(record, json, maxCharacters);
}

function shortenList(record: Plain, name: string, maxCharacters: number): Plain | undefined {
  const members = record[name] as readonly unknown[];
  let left = maxCharacters - JSON.stringify({ ...record, [name]: [], truncated: true }).length;
  let kept = 0;
  for (; kept < members.length; kept += 1) {
    left -= (JSON.stringify(members[kept]) ?? 'null').length + 1;
    if (left < 0) break;
  }
  return kept === 0 ? undefined : { ...record, [name]: members.slice(0, kept), truncated: true };
}

function shortenTexts(record: Plain, json: string, maxCharacters: number): Plain {
  const texts = Object.entries(record).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const long = texts.filter(([, text]) => text.length > 500);
  const rest = JSON.stringify({
    ...record,
    ...Object.fromEntries(long.map(([name]) => [name, ''])),
    truncated: true,
  }).length;
  const share = Math.floor((maxCharacters - rest) / Math.max(1, long.length));
  if (long.length === 0 || share < 200) return { truncated: true, preview: cutMiddle(json, maxCharacters) };
  return {
    ...record,
    ...Object.fromEntries(long.map(([name, text]) => [name, cutMiddle(text, share)])),
    truncated: true,
  };
}

/** Both ends matter: the beginning says what it is, the end of an output says how it went. */
export function cutMiddle(text: string, maxCharacters: number): string {
  // What JSON escapes takes more room; half is on the safe side for anything but control characters.
  const room =
    JSON.stringify(text.slice(0, 4000)).length > Math.min(text.length, 4000) * 1.2
      ? Math.floor(maxCharacters / 2)
      : maxCharacters - 100;
  if (text.length <= room) return text;
  const head = Math.floor(room * 0.7);
  const tail = room - head;
  return `${text.slice(0, head)}\n[… ${text.length - room} characters left out …]\n${text.slice(-tail)}`.toWellFormed();
}
