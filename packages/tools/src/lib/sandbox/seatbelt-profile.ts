export interface SeatbeltOptions {
  /** Real path; the only folder that may be written to. */
  readonly workspace: string;
  /** Real path; `TMPDIR` of the command. */
  readonly temporaryFolder: string;
  readonly readOnly: readonly string[];
}

/** What programs of macOS need to start at all. */
const systemReads = [
  '/usr',
  '/bin',
  '/sbin',
  '/System',
  '/Library/Apple',
  '/private/var/db/dyld',
  '/private/etc/ssl',
  '/opt/homebrew',
];
const devices = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'];

/**
 * The profile for `sandbox-exec` of macOS, in its own language (SBPL): everything is denied but running the system's programs,
 * reading them, and using the workspace. No network. Throws `RangeError` for a path that cannot be written as a literal.
 */
export function seatbeltProfile({ workspace, temporaryFolder, readOnly }: SeatbeltOptions): string {
  const writable = [workspace, temporaryFolder];
  return [
    '(version 1)',
    '(deny default)',
    '(deny network*)',
    '(allow process-fork)',
    '(allow process-exec)',
    '(allow signal (target same-sandbox))',
    '(allow process-info* (target same-sandbox))',
    '(allow sysctl-read)',
    '(allow file-read-metadata)',
    `(allow file-read* ${[...systemReads, ...readOnly, ...writable].map(subpath).join(' ')})`,
    `(allow file-read* file-write-data ${devices.map(literal).join(' ')})`,
    `(allow file-write* ${writable.map(subpath).join(' ')})`,
    '(allow file-read-data (literal "/"))',
    '',
  ].join('\n');
}

function subpath(path: string): string {
  return `(subpath ${quote(path)})`;
}

function literal(path: string): string {
  return `(literal ${quote(path)})`;
}

/** A text in quotes; a quote or a backslash in it would end it or begin an escape. */
function quote(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(path))
    throw new RangeError(`The path ${JSON.stringify(path)} holds a control character.`);
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
