/**
 * Lines (from 1) on which a source reads the environment of its process. A search in the text, so it also finds the ways that the
 * linter's rule does not know: `process['env']`, `{ env } = process`, `import { env } from 'node:process'`.
 */
export function environmentReads(source: string): number[] {
  const code = withoutComments(source);
  const ways = [
    /\bprocess\s*\??\.\s*env\b/g,
    /\bprocess\s*(?:\?\.)?\[\s*['"`]env['"`]\s*\]/g,
    /\{[^{}]*\benv\b[^{}]*\}\s*=\s*(?:globalThis\.)?process\b/g,
    /\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*['"](?:node:)?process['"]/g,
  ];
  const offsets = ways.flatMap((way) => [...code.matchAll(way)].map(({ index }) => index));
  return [...new Set(offsets.map((offset) => code.slice(0, offset).split('\n').length))].sort((a, b) => a - b);
}

/** Blanks comments and keeps their line ends, so that a docstring may speak of `process.env`. */
function withoutComments(source: string): string {
  return source.replace(
    /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g,
    (match, text) => (text === undefined ? match.replace(/[^\n]/g, ' ') : match),
  );
}
