import type { RunRecord, Source } from '@genie/core/ports';

/** Everything that completed tool calls were given and gave back, as one text to search in. */
export function completedCallsText(run: RunRecord): string {
  return run.toolCalls
    .filter((call) => call.status === 'completed')
    .map((call) => `${JSON.stringify(call.input) ?? ''}\n${call.outputText}`)
    .join('\n');
}

/** True when a completed tool call names the source. What the briefing says does not count: that is the run's own word. */
export function isReached(run: RunRecord, source: Source): boolean {
  return run.toolCalls.some(
    (call) =>
      call.status === 'completed' &&
      mentions(`${JSON.stringify(call.input) ?? ''}\n${call.outputText}`, source.location),
  );
}

/** True when a text names the location, as written or as it stands inside JSON. A longer name that starts alike is another place. */
export function mentions(text: string, location: string): boolean {
  if (location === '') return false;
  const place = location.replace(/(?<=.)[\\/]+$/, '');
  return containsWhole(text, place) || containsWhole(text, JSON.stringify(place).slice(1, -1));
}

function containsWhole(text: string, place: string): boolean {
  for (let at = text.indexOf(place); at !== -1; at = text.indexOf(place, at + 1)) {
    if (!/^(?:[\w-]|[.][\w])/.test(text.slice(at + place.length, at + place.length + 2))) return true;
  }
  return false;
}

/** True when a cited place lies in a source: the same web host, or below the same folder. */
export function sameOrigin(source: string, cited: string): boolean {
  if (URL.canParse(source) && URL.canParse(cited)) {
    const left = new URL(source);
    const right = new URL(cited);
    if (left.host !== '' || right.host !== '') return left.host === right.host;
  }
  const folder = source.replace(/[\\/]+$/, '');
  return cited === folder || cited.startsWith(`${folder}/`) || cited.startsWith(`${folder}\\`);
}
