import type { Finding, Reading } from './findings.ts';
import { citation, countOf, newestDate, plainLine, titleOf } from './markdown.ts';
import { topicWords } from './words.ts';

/** Compares sources by facts that can be counted: sizes, dates, authors, shared titles, and the words only one of them uses. */
export function writeComparison(readings: readonly Reading[]): readonly string[] {
  const cites = readings.map(({ source, findings }) =>
    citation(titleOf(source), source.location, newestDate(findings)),
  );
  const vocabularies = readings.map(({ findings }) => countWords(findings));
  const lines = readings.map(({ findings, truncated }, index) => {
    const authors = new Set(findings.flatMap((finding) => finding.author ?? [])).size;
    const newest = newestDate(findings);
    const facts = [
      `${truncated ? 'at least ' : ''}${countOf(findings.length, 'item')}`,
      ...(authors > 0 ? [countOf(authors, 'author')] : []),
      ...(newest === undefined ? [] : [`newest of ${newest}`]),
    ];
    return `- ${facts.join(', ')} ${cites[index]}`;
  });
  const shared = sharedTitles(readings);
  lines.push(
    `- ${countOf(shared.length, 'item')} in every one${shared.length > 0 ? `: ${shared.slice(0, 3).join('; ')}` : ''} ${cites.join(' ')}`,
  );
  for (const [index, vocabulary] of vocabularies.entries()) {
    const others = vocabularies.filter((_, other) => other !== index);
    const own = [...vocabulary].filter(([word]) => others.every((other) => !other.has(word)));
    own.sort((left, right) => right[1] - left[1] || (left[0] < right[0] ? -1 : 1));
    const shown = own.slice(0, 6).map(([word, count]) => `${plainLine(word, 40)} (${count})`);
    lines.push(`- only here: ${shown.length > 0 ? shown.join(', ') : 'no word of its own'} ${cites[index]}`);
  }
  return lines;
}

function countWords(findings: readonly Finding[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const finding of findings) {
    for (const word of topicWords(`${finding.title} ${finding.text.slice(0, 4_000)}`)) {
      if (!/^\d+$/.test(word) && word.length > 2) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

function sharedTitles(readings: readonly Reading[]): readonly string[] {
  const [first, ...others] = readings.map(
    ({ findings }) => new Map(findings.map((one) => [one.title.toLowerCase(), one.title])),
  );
  if (!first) return [];
  return [...first]
    .filter(([key]) => key !== '' && others.every((other) => other.has(key)))
    .map(([, title]) => plainLine(title, 80));
}
