/** What a robots.txt says to one crawler. */
export interface RobotsRules {
  /** Whether a path with its query (`/a?b=1`) may be read. */
  allows(path: string): boolean;
}

interface Rule {
  readonly pattern: string;
  readonly allow: boolean;
}

/** Larger files are read up to here (RFC 9309 asks for at least 500 KiB). */
const maxCharacters = 512 * 1024;

/**
 * Reads a robots.txt for an agent after RFC 9309: the groups of its name, else those of `*`; the longest matching rule
 * wins, allow on a tie; `*` and a final `$` are special. Anything unreadable is passed over.
 */
export function parseRobots(text: string, agent: string): RobotsRules {
  const own: Rule[] = [];
  const general: Rule[] = [];
  let hasOwn = false;
  let targets: Rule[][] = [];
  let inRules = false;
  for (const line of text.slice(0, maxCharacters).split(/\r\n|\r|\n/)) {
    const [, name = '', value = ''] = /^\s*([A-Za-z-]+)\s*:\s*([^#]*?)\s*(?:#.*)?$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === 'user-agent') {
      if (inRules) targets = [];
      inRules = false;
      const isOwn = value.toLowerCase().split('/')[0] === agent.toLowerCase();
      hasOwn ||= isOwn;
      if (isOwn) targets.push(own);
      else if (value === '*') targets.push(general);
    } else if (key === 'allow' || key === 'disallow') {
      inRules = true;
      // An empty rule allows everything, which is what no rule does too.
      if (value !== '') for (const target of targets) target.push({ pattern: value, allow: key === 'allow' });
    }
  }
  const rules = hasOwn ? own : general;
  return { allows: (path) => decide(rules, path) };
}

function decide(rules: readonly Rule[], path: string): boolean {
  let best: Rule | undefined;
  for (const rule of rules) {
    if (!matches(rule.pattern, path)) continue;
    const longer = rule.pattern.length - (best?.pattern.length ?? -1);
    if (longer > 0 || (longer === 0 && rule.allow)) best = rule;
  }
  return best?.allow ?? true;
}

/** Each piece between stars is looked for after the one before; taking the first place found never loses a match. */
function matches(pattern: string, path: string): boolean {
  const isAnchored = pattern.endsWith('$');
  const pieces = (isAnchored ? pattern.slice(0, -1) : pattern).split('*');
  const last = pieces.length - 1;
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    if (index === 0) {
      if (!path.startsWith(piece)) return false;
      at = piece.length;
    } else if (index === last && isAnchored) {
      if (path.length - piece.length < at || !path.endsWith(piece)) return false;
      at = path.length;
    } else {
      const found = path.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
  }
  return !isAnchored || at === path.length;
}
