import type { Finding, Reading } from './findings.ts';
import type { Goal } from './goal.ts';
import { citation, countOf, newestDate, plainLine, titleOf } from './markdown.ts';
import { topicWords } from './words.ts';

/** Words of a counting question that name no topic. */
const countingWords: ReadonlySet<string> = new Set(
  topicWords(
    'count how many often number of tally statistics commits commit items item entries files posts articles per by each author day ' +
      'repository repo folder feed page source total mention mentions mentioning contain contains about written made',
  ),
);

/** Numbers with citations: in all, with the words of the question, by author and by day when the goal asks for them. */
export function writeCounts(goal: Goal, readings: readonly Reading[]): readonly string[] {
  const topics = [...new Set(topicWords(withoutLocations(goal)).filter((word) => !countingWords.has(word)))];
  return readings.flatMap((reading) => {
    const { findings, source } = reading;
    const cite = citation(titleOf(source), source.location, newestDate(findings));
    const least = reading.truncated ? 'at least ' : '';
    const lines = [`- ${least}${countOf(findings.length, noun(reading))} in all ${cite}`];
    if (topics.length > 0) {
      const matching = findings.filter((finding) => holdsAll(finding, topics));
      lines.push(
        `- ${least}${matching.length} of them ${matching.length === 1 ? 'mentions' : 'mention'} ${quoted(topics)} ${cite}`,
      );
    }
    if (/\b(?:author|who|person|people)\b/i.test(goal.query))
      lines.push(...groups(findings, (one) => one.author, 'by', cite));
    if (/\b(?:per day|by day|each day|daily)\b/i.test(goal.query))
      lines.push(...groups(findings, (one) => one.date, 'on', cite));
    return lines;
  });
}

function withoutLocations(goal: Goal): string {
  return goal.query.replace(/https?:\/\/\S+|(?:^|\s)(?:~|\.{0,2})\/\S*/g, ' ');
}

function noun(reading: Reading): string {
  return reading.source.kind === 'git' ? 'commit' : reading.source.kind === 'folder' ? 'file' : 'item';
}

function quoted(topics: readonly string[]): string {
  return topics.map((topic) => `"${plainLine(topic, 40)}"`).join(' and ');
}

function holdsAll(finding: Finding, topics: readonly string[]): boolean {
  const words = new Set(topicWords(`${finding.title} ${finding.text}`));
  return topics.every((topic) => words.has(topic));
}

function groups(
  findings: readonly Finding[],
  keyOf: (finding: Finding) => string | undefined,
  word: string,
  cite: string,
): readonly string[] {
  const counts = new Map<string, number>();
  for (const finding of findings) {
    const key = keyOf(finding) ?? 'unknown';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort((left, right) => right[1] - left[1] || (left[0] < right[0] ? -1 : 1))
    .slice(0, 12)
    .map(([key, count]) => `- ${count} ${word} ${plainLine(key, 60)} ${cite}`);
}
