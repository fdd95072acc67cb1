import type { Reading } from './findings.ts';
import type { Goal } from './goal.ts';
import { citation, cut, plainLine } from './markdown.ts';
import type { ReadPrompt } from './read-prompt.ts';
import { topicWords } from './words.ts';
import { signature, writeBriefing } from './write-briefing.ts';

const whatItIs =
  'I am the offline model: rules, no neural network. I read folders, git repositories, feeds, web pages and MCP resources, ' +
  'leave out what was reported before, and quote, count or compare what is left, with citations. I do not write prose of my own.';

/** The final text: a briefing, or an answer to a message from the sources and from what was reported before. */
export function writeAnswer(goal: Goal, readings: readonly Reading[], prompt: ReadPrompt): string {
  if (!goal.isQuestion) {
    return readings.length === 0 ? noSources(goal) : writeBriefing(goal, readings, prompt.known);
  }
  const remembered = rememberedLines(goal, prompt.known);
  if (readings.length === 0 && remembered.length === 0) return whatItIs;
  const read = readings.length === 0 ? signature : writeBriefing(goal, readings, prompt.known);
  // What the sources just said again need not be told twice.
  const others = remembered.filter((line) => !read.includes(line.slice(0, 48)));
  const reported = others.length === 0 ? [] : [['### Reported before', '', ...others].join('\n')];
  // What was found answers; that nothing is new is only a remark.
  return (read.startsWith('##') ? [read, ...reported] : [...reported, read]).join('\n\n');
}

function noSources(goal: Goal): string {
  return [
    `## ${plainLine(cut(goal.goal, 90), 90) || 'Nothing to do'}`,
    '',
    'No source is named. Name a folder, a git repository, a feed, a web page or an MCP resource in the goal or as a source.',
    '',
    whatItIs,
  ].join('\n');
}

function rememberedLines(goal: Goal, known: readonly string[]): readonly string[] {
  const query = new Set(topicWords(goal.query));
  const scored = known.flatMap((line, order) => {
    const words = new Set(topicWords(line));
    const hits = [...query].filter((word) => words.has(word)).length;
    return hits > 0 ? [{ line, hits, order }] : [];
  });
  scored.sort((left, right) => right.hits - left.hits || left.order - right.order);
  return scored.slice(0, 5).map(({ line }) => {
    const cited = /^(.*?)(\s\(\[[^\]]*\]\([^()\s]*\)(?:, \d{4}-\d{2}-\d{2})?\))\s*$/s.exec(line);
    if (cited) return `- ${plainLine(cited[1] ?? '')}${cited[2]}`;
    // The form in which memory writes what it recalls: text (date, source).
    const [, text, date, source] = /^(.*) \((\d{4}-\d{2}-\d{2}), ([^()]+)\)$/.exec(line) ?? [];
    return text === undefined || source === undefined
      ? `- ${plainLine(line)}`
      : `- ${plainLine(text)} ${citation(source, source, date)}`;
  });
}
