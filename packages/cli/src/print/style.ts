/** Paints text, or leaves it as it is when colours are off. */
export interface Style {
  readonly isOn: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  cyan(text: string): string;
  magenta(text: string): string;
}

/** Codes of ECMA-48 "select graphic rendition": what starts a style and what ends it. */
const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export function createStyle(isOn: boolean): Style {
  const paint = ([start, end]: readonly [number, number]) =>
    isOn ? (text: string) => (text === '' ? '' : `\u001b[${start}m${text}\u001b[${end}m`) : (text: string) => text;
  return {
    isOn,
    bold: paint(codes.bold),
    dim: paint(codes.dim),
    red: paint(codes.red),
    green: paint(codes.green),
    yellow: paint(codes.yellow),
    blue: paint(codes.blue),
    cyan: paint(codes.cyan),
    magenta: paint(codes.magenta),
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about.
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from outside (models, sources, file names), safe to print: no escape sequences that could repaint the screen, no
 * invisible characters that turn its direction around. Line ends and tabs stay.
 */
export function plain(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(escapes, '').replace(controls, '');
}

/** The same in one line. */
export function plainLine(text: string, most = Number.POSITIVE_INFINITY): string {
  const line = plain(text).replace(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** Characters that are seen: without the codes of styles. */
export function visibleLength(text: string): number {
  return text.replace(escapes, '').length;
}
