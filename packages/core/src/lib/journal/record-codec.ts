import { crc32 } from 'node:zlib';
import { GenieError } from '../genie-error.ts';

/*
 * One record, version 1, is one line of bytes:
 *
 *   <crc32 of body, 8 hex> <length of body in bytes, 8 hex> <body>\n
 *   body = <run id> <number within the run> <flag> <JSON>
 *
 * The length makes reading independent of the final newline, the newline makes it possible to find the next record
 * after a damaged one (JSON text holds no raw newline), and the checksum covers everything a reader believes.
 */

export const formatVersion = 1;

/** What can be known of a record without parsing its JSON: `o` opens a run, `c` closes it, `h` heads a segment. */
export type RecordFlag = 'o' | 'c' | 'h' | '-';

const headerBytes = 18;
const newline = 0x0a;
const runIdForm = /^[\w.:@/-]{1,200}$/;

/** Throws `GENIE_RUN_ID` for a run id that cannot be stored. */
export function checkRunId(runId: string): void {
  if (runIdForm.test(runId) && runId !== '-') return;
  throw new GenieError(
    'GENIE_RUN_ID',
    `Run id ${JSON.stringify(runId.slice(0, 80))} is not usable: use 1 to 200 letters, digits, "_", ".", ":", "@", "/" or "-".`,
  );
}

/** Bytes that {@link writeRecord} may need at most for a body of this many UTF-16 units. */
export function maxRecordBytes(bodyLength: number): number {
  return headerBytes + bodyLength * 3 + 1;
}

/** Writes one record at `offset`; returns the offset behind it. */
export function writeRecord(target: Buffer, offset: number, body: string): number {
  const start = offset + headerBytes;
  const end = start + target.write(body, start, 'utf8');
  const checksum = crc32(target.subarray(start, end));
  writeHex(target, offset, checksum);
  target[offset + 8] = 0x20;
  writeHex(target, offset + 9, end - start);
  target[offset + 17] = 0x20;
  target[end] = newline;
  return end + 1;
}

export interface ScannedRecord {
  readonly runId: string;
  readonly sequence: number;
  readonly flag: RecordFlag;
  /** Where the record starts in the segment, and its length with header and newline. */
  readonly offset: number;
  readonly length: number;
  /** Parses the JSON. The checksum was right, so a failure means a writer's bug. */
  json(): unknown;
}

export interface ScanResult {
  /** Offset behind the last whole record. */
  readonly end: number;
  /** Bytes that belonged to no valid record. A torn tail counts here. */
  readonly damagedBytes: number;
}

/** Calls `visit` for every valid record, in file order, and steps over everything else. Never throws on damaged input. */
export function scanRecords(bytes: Buffer, visit: (record: ScannedRecord) => void): ScanResult {
  let position = 0;
  let end = 0;
  let damagedBytes = 0;
  while (position < bytes.length) {
    const record = readRecord(bytes, position);
    if (record) {
      visit(record);
      position += record.length;
      end = position;
      continue;
    }
    const next = bytes.indexOf(newline, position);
    const resume = next === -1 ? bytes.length : next + 1;
    damagedBytes += resume - position;
    position = resume;
  }
  return { end, damagedBytes };
}

function readRecord(bytes: Buffer, offset: number): ScannedRecord | undefined {
  const start = offset + headerBytes;
  if (start > bytes.length || bytes[offset + 8] !== 0x20 || bytes[offset + 17] !== 0x20) return undefined;
  const checksum = readHex(bytes, offset);
  const length = readHex(bytes, offset + 9);
  const end = start + length;
  // A record whose newline is missing was not written to its end; the next one would be glued to it.
  if (checksum < 0 || length <= 0 || end >= bytes.length) return undefined;
  const body = bytes.subarray(start, end);
  if (crc32(body) !== checksum) return undefined;
  const first = body.indexOf(0x20);
  const second = body.indexOf(0x20, first + 1);
  const third = body.indexOf(0x20, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  return {
    runId: body.toString('latin1', 0, first),
    sequence: Number(body.toString('latin1', first + 1, second)),
    flag: body.toString('latin1', second + 1, third) as RecordFlag,
    offset,
    length: headerBytes + length + 1,
    json: () => JSON.parse(body.toString('utf8', third + 1)) as unknown,
  };
}

const hexDigits = Buffer.from('0123456789abcdef', 'latin1');

function writeHex(target: Buffer, offset: number, value: number): void {
  let rest = value;
  for (let index = offset + 7; index >= offset; index -= 1) {
    target[index] = hexDigits[rest & 15] as number;
    rest >>>= 4;
  }
}

/** The value of eight lower-case hex digits, or -1. */
function readHex(bytes: Buffer, offset: number): number {
  let value = 0;
  for (let index = offset; index < offset + 8; index += 1) {
    const byte = bytes[index] as number;
    let digit: number;
    if (byte >= 0x30 && byte <= 0x39) digit = byte - 0x30;
    else if (byte >= 0x61 && byte <= 0x66) digit = byte - 0x57;
    else return -1;
    value = value * 16 + digit;
  }
  return value;
}
