/** What the first message of a TLS connection says about where it goes. */
export type HelloResult =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly problem: string }
  | {
      readonly kind: 'hello';
      readonly names: readonly string[];
      readonly isEncrypted: boolean;
      /** Of the records that it fills. */
      readonly size: number;
    };

const handshakeRecord = 22;
const clientHello = 1;
const serverName = 0;
// Encrypted client hello (RFC 9849) and its draft predecessor, encrypted SNI.
const encryptedHello: ReadonlySet<number> = new Set([0xfe0d, 0xffce]);
const maxRecordBytes = 16_384;
const maxRecords = 64;

/**
 * Reads a ClientHello (RFC 8446, 4.1.2; RFC 6066, 3) from the first bytes of a connection, also when it is spread over
 * several records. Strict: whatever a server might read in another way is invalid.
 */
export function readClientHello(bytes: Uint8Array): HelloResult {
  const message = joinRecords(bytes);
  if ('kind' in message) return message;
  try {
    return { ...readMessage(new Reader(message.body, 0, message.body.length)), size: message.size };
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'invalid', problem: error.message };
    throw error;
  }
}

interface Joined {
  readonly body: Uint8Array;
  readonly size: number;
}

/** The body of the first handshake message. */
function joinRecords(bytes: Uint8Array): Joined | Exclude<HelloResult, { kind: 'hello' }> {
  const first = number16(bytes, 3);
  // Nearly always the message fills one record that is already there.
  if (bytes.length >= 5 + first && first > 4 && bytes[1] === 3 && first === 4 + number24(bytes, 6)) {
    return finishMessage(bytes.subarray(5, 5 + first), first, 5 + first);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes[offset] !== handshakeRecord)
      return { kind: 'invalid', problem: 'another record inside the client hello' };
    if (offset + 5 > bytes.length) return { kind: 'incomplete' };
    if (bytes[offset + 1] !== 3) return { kind: 'invalid', problem: 'not a TLS version' };
    const size = number16(bytes, offset + 3);
    if (size === 0 || size > maxRecordBytes) return { kind: 'invalid', problem: `a record of ${size} bytes` };
    if (parts.length === maxRecords) return { kind: 'invalid', problem: `more than ${maxRecords} records` };
    const part = bytes.subarray(offset + 5, offset + 5 + size);
    parts.push(part);
    length += part.length;
    const needed = neededBytes(parts);
    if (length >= needed)
      return finishMessage(Buffer.concat(parts), needed, part.length === size ? offset + 5 + size : undefined);
    if (part.length < size) return { kind: 'incomplete' };
    offset += 5 + size;
  }
  return { kind: 'incomplete' };
}

/** The length of the whole message, known once its first four bytes are there. */
function neededBytes(parts: readonly Uint8Array[]): number {
  const head: number[] = [];
  for (const part of parts) {
    for (let index = 0; index < part.length && head.length < 4; index += 1) head.push(part[index] ?? 0);
  }
  return head.length < 4 ? Number.POSITIVE_INFINITY : 4 + number24(Uint8Array.from(head), 1);
}

/** `size` is undefined while the last record is not there as a whole. */
function finishMessage(message: Uint8Array, needed: number, size: number | undefined): ReturnType<typeof joinRecords> {
  if (message[0] !== clientHello) return { kind: 'invalid', problem: 'the first message is not a client hello' };
  // A second message in the same record would be read by the server and not by us.
  if (message.length > needed) return { kind: 'invalid', problem: 'more than a client hello in its record' };
  if (size === undefined) return { kind: 'incomplete' };
  return { body: message.subarray(4, needed), size };
}

function readMessage(reader: Reader): Omit<Extract<HelloResult, { kind: 'hello' }>, 'size'> {
  reader.skip(2 + 32);
  reader.skip(reader.number(1));
  reader.skip(reader.number(2));
  reader.skip(reader.number(1));
  if (reader.isAtEnd) return { kind: 'hello', names: [], isEncrypted: false };
  const extensions = reader.part(reader.number(2));
  if (!reader.isAtEnd) throw new RangeError('bytes after the extensions');
  let names: readonly string[] = [];
  const seen = new Set<number>();
  let isEncrypted = false;
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const length = extensions.number(2);
    if (seen.has(type)) throw new RangeError(`extension ${type} is there twice`);
    seen.add(type);
    if (type === serverName) names = readNames(extensions.part(length));
    else extensions.skip(length);
    if (encryptedHello.has(type)) isEncrypted = true;
  }
  return { kind: 'hello', names, isEncrypted };
}

function readNames(reader: Reader): readonly string[] {
  const list = reader.part(reader.number(2));
  if (!reader.isAtEnd) throw new RangeError('bytes after the server names');
  const names: string[] = [];
  while (!list.isAtEnd) {
    const type = list.number(1);
    const name = list.text(list.number(2));
    if (type !== 0) throw new RangeError(`a server name of type ${type}`);
    names.push(name);
  }
  if (names.length === 0) throw new RangeError('an empty list of server names');
  return names;
}

/** Reads forward. Every length is checked against the end of its own part. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, offset: number, end: number) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#end;
  }

  number(size: 1 | 2): number {
    const at = this.#offset;
    this.skip(size);
    return size === 1 ? (this.#bytes[at] ?? 0) : number16(this.#bytes, at);
  }

  part(size: number): Reader {
    const at = this.#offset;
    this.skip(size);
    return new Reader(this.#bytes, at, this.#offset);
  }

  text(size: number): string {
    const at = this.#offset;
    this.skip(size);
    return Buffer.from(this.#bytes.subarray(at, this.#offset)).toString('latin1');
  }

  skip(size: number): void {
    if (this.#offset + size > this.#end) throw new RangeError('a length that goes past the end');
    this.#offset += size;
  }
}

function number16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) * 256 + (bytes[offset + 1] ?? 0);
}

function number24(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) * 65_536 + number16(bytes, offset + 1);
}
