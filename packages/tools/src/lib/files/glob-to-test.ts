import { GenieError } from '@genie/core/errors';

const maxAlternatives = 64;

/**
 * A test of `/`-separated paths from a pattern: `*` and `?` within a name, `**` across folders, `{a,b}` for either.
 * Matching takes time in proportion to pattern times path at worst; no pattern makes it explode.
 * Throws `GENIE_GLOB_INVALID` for patterns over 400 characters, an open `{`, or more than 64 alternatives.
 */
export function globToTest(pattern: string): (path: string) => boolean {
  if (pattern.length > 400) throw invalid(pattern, 'it is longer than 400 characters');
  const alternatives = expandBraces(pattern).map((one) => one.split('/').filter((name) => name !== '' && name !== '.'));
  return (path) => {
    const names = path.split('/');
    return alternatives.some((parts) => matchNames(parts, names));
  };
}

/** `a{b,c}d` gives `abd` and `acd`; braces may hold braces. */
function expandBraces(pattern: string): string[] {
  const results: string[] = [];
  const open = [pattern];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    // The innermost pair holds no other brace, so taking it first handles nesting.
    const match = /\{([^{}]*)\}/.exec(next);
    if (!match) {
      if (/[{}]/.test(next)) throw invalid(pattern, 'a brace has no partner');
      results.push(next);
    } else {
      const [whole, inside = ''] = match;
      for (const part of inside.split(','))
        open.push(next.slice(0, match.index) + part + next.slice(match.index + whole.length));
    }
    if (results.length + open.length > maxAlternatives)
      throw invalid(pattern, `it has more than ${maxAlternatives} alternatives`);
  }
  return results;
}

/** The names of a path against the parts of a pattern; `**` stands for any number of names. */
function matchNames(parts: readonly string[], names: readonly string[]): boolean {
  return matchWildcards(parts.length, names.length, {
    isStar: (part) => parts[part] === '**',
    fits: (part, name) => matchName(parts[part] ?? '', names[name] ?? ''),
  });
}

function matchName(part: string, name: string): boolean {
  return matchWildcards(part.length, name.length, {
    isStar: (at) => part[at] === '*',
    fits: (at, character) => part[at] === '?' || part[at] === name[character],
  });
}

interface Wildcards {
  isStar(patternIndex: number): boolean;
  fits(patternIndex: number, textIndex: number): boolean;
}

/** The classic walk with one remembered star: only the last star ever has to give way. */
function matchWildcards(patternLength: number, textLength: number, { isStar, fits }: Wildcards): boolean {
  let pattern = 0;
  let text = 0;
  let star = -1;
  let resume = 0;
  while (text < textLength) {
    if (pattern < patternLength && isStar(pattern)) {
      star = pattern;
      pattern += 1;
      resume = text;
    } else if (pattern < patternLength && fits(pattern, text)) {
      pattern += 1;
      text += 1;
    } else if (star >= 0) {
      pattern = star + 1;
      resume += 1;
      text = resume;
    } else {
      return false;
    }
  }
  while (pattern < patternLength && isStar(pattern)) pattern += 1;
  return pattern === patternLength;
}

function invalid(pattern: string, reason: string): GenieError {
  return new GenieError(
    'GENIE_GLOB_INVALID',
    `The pattern ${JSON.stringify(pattern.slice(0, 80))} cannot be used: ${reason}.`,
  );
}
