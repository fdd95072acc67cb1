import type { Finding, Reading } from './findings.ts';
import type { Goal } from './goal.ts';
import { citation, citeFinding, countOf, cut, newestDate, plainLine, titleOf } from './markdown.ts';
import { type RankedFinding, rankFindings } from './rank.ts';
import { writeComparison } from './write-comparison.ts';
import { writeCounts } from './write-counts.ts';

/** Ends every briefing: a reader must know what wrote it. */
export const signature =
  '_Written by the offline model: rules, no neural network. Each line is quoted or counted from the source it cites._';

/** Writes the final Markdown from what the sources gave. The same input gives the same bytes. */
export function writeBriefing(goal: Goal, readings: readonly Reading[], known: readonly string[]): string {
  const reached = readings.filter((reading) => reading.failure === undefined);
  const failures = notReached(readings);
  if (reached.length === 0)
    return [`## ${briefingTitle(goal)}`, '', 'No source was reached.', '', ...failures, signature].join('\n');
  const body = bodyOf(goal, reached, known);
  if (body === undefined)
    return [nothingNew(reached), ...(failures.length > 0 ? ['', ...failures] : [])].join('\n').trimEnd();
  const notes = reached.flatMap(notesOn);
  const note = notes.length > 0 ? [...notes, ''] : [];
  return [`## ${briefingTitle(goal)}`, '', ...body, '', ...note, ...failures, signature].join('\n');
}

function bodyOf(goal: Goal, reached: readonly Reading[], known: readonly string[]): readonly string[] | undefined {
  if (goal.kind === 'count') return writeCounts(goal, reached);
  if (goal.kind === 'compare' && reached.length > 1) return writeComparison(reached);
  const findings = reached.flatMap((reading) => reading.findings);
  const all = rankFindings(findings, {
    query: goal.query,
    lookFor: goal.lookFor,
    known,
    keepKnown: !goal.newOnly,
    limit: goal.limit,
  });
  // A question about a topic is not answered by what is merely recent.
  const ranked = goal.newOnly ? all : all.filter(({ relevance }) => relevance > 0);
  if (ranked.length === 0) return all.length > 0 ? [nothingAbout(goal, reached, all.length)] : undefined;
  const shown = ranked.slice(0, goal.limit);
  const rest = ranked.length - shown.length;
  return [
    ...shown.map((one) => itemLine(one, goal)),
    ...(rest > 0 ? ['', `${countOf(rest, 'more item')} ranked lower ${rest === 1 ? 'is' : 'are'} left out.`] : []),
  ];
}

function nothingAbout(goal: Goal, reached: readonly Reading[], items: number): string {
  const sources = reached.map(({ source }) => citation(titleOf(source), source.location));
  return `- Nothing mentions ${plainLine(goal.query, 80).replace(/[?.!]+$/, '')}: ${countOf(items, 'item')} read ${sources.join(' ')}`;
}

function notesOn(reading: Reading): readonly string[] {
  const name = plainLine(titleOf(reading.source), 80);
  return [
    ...(reading.truncated ? [`Only a part of ${name} was read: it holds more.`] : []),
    ...(reading.note === undefined ? [] : [`${name}: ${plainLine(reading.note, 300)}`]),
  ];
}

function itemLine({ finding, sentence }: RankedFinding, goal: Goal): string {
  const title = finding.title === '' ? finding.text : finding.title;
  const addsMore = sentence !== '' && !title.includes(sentence) && !sentence.startsWith(title);
  const text = addsMore ? `${title.replace(/[.:]$/, '')}: ${sentence}` : sentence.startsWith(title) ? sentence : title;
  const line = goal.wantsAudience ? withAudience(plainLine(text, 240), finding) : plainLine(text, 320);
  return `- ${line} ${citeFinding(finding)}`;
}

function withAudience(line: string, finding: Finding): string {
  const audience = plainLine(audienceOf(finding), 200);
  return audience === '' ? line : `${line.replace(/(?<![.!?…])$/, '.')} ${audience}`;
}

/** Who is concerned, from facts only: who wrote it and which parts it touches. */
function audienceOf(finding: Finding): string {
  const areas = areasOf(finding.paths.length > 0 ? finding.paths : pathsIn(finding.text));
  const by = finding.author === undefined ? '' : `by ${finding.author}`;
  if (areas.length === 0)
    return by === '' ? '' : `Who should care: whoever works with it; ask its author, ${finding.author}.`;
  const shown = areas.slice(0, 3).map(([area, files]) => (isFile(area) ? area : `${area} (${countOf(files, 'file')})`));
  const more = areas.length > 3 ? ` and ${countOf(areas.length - 3, 'more place')}` : '';
  return `Who should care: those who use or keep ${shown.join(', ')}${more}; changed${by === '' ? '' : ` ${by}`}.`;
}

/** Two levels of folders are a good guess at what a team owns. Most touched first, then by name. */
function areasOf(paths: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    // Lock files change with everything and concern nobody.
    if (/(?:^|\/)(?:[\w-]*lock\.(?:json|yaml)|[\w.-]+\.lock)$/.test(path)) continue;
    const folders = path.split('/').slice(0, -1).slice(0, 2);
    const area = folders.length > 0 ? folders.join('/') : path;
    if (area !== '') counts.set(area, (counts.get(area) ?? 0) + 1);
  }
  return [...counts].sort((left, right) => right[1] - left[1] || (left[0] < right[0] ? -1 : 1));
}

function isFile(area: string): boolean {
  return !area.includes('/') && area.includes('.');
}

function pathsIn(text: string): readonly string[] {
  return [...new Set(text.match(/(?<![\w/:.])(?:[\w.@-]+\/)+[\w.@-]+\.\w{1,8}\b/g) ?? [])];
}

/** The goal without the words that only ask. */
export function briefingTitle(goal: Goal): string {
  const asked = goal.query
    .split('\n')[0]
    ?.replace(
      /^\s*(?:please\s+)?(?:brief me on|brief me about|tell me(?: when| about)?|report on|give me|show me|summari[sz]e|watch|monitor|track)\s+/i,
      '',
    )
    .replace(/[.!\s]+$/, '');
  const title = plainLine(cut(asked ?? '', 90), 90);
  return title === '' ? 'Briefing' : title.charAt(0).toUpperCase() + title.slice(1);
}

function nothingNew(reached: readonly Reading[]): string {
  const findings = reached.flatMap((reading) => reading.findings);
  const sources = reached.map((reading) =>
    citation(titleOf(reading.source), reading.source.location, newestDate(reading.findings)),
  );
  const read = findings.length === 0 ? 'no new item' : `${countOf(findings.length, 'item')}, each reported before`;
  return `Nothing new: ${countOf(reached.length, 'source')} read, ${read} ${sources.join(' ')}.`;
}

function notReached(readings: readonly Reading[]): readonly string[] {
  const failures = readings.filter((reading) => reading.failure !== undefined);
  if (failures.length === 0) return [];
  return [
    '### Not reached',
    '',
    ...failures.map(
      ({ source, failure }) => `- ${plainLine(failure ?? '', 200)} ${citation(titleOf(source), source.location)}`,
    ),
    '',
  ];
}
