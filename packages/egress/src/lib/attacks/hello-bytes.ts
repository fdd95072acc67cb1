export interface HelloOptions {
  /** Names in the server name extension; undefined leaves the extension out. */
  readonly names?: readonly string[];
  /** A second server name extension. */
  readonly secondNames?: readonly string[];
  readonly extraExtensions?: readonly (readonly [type: number, content: Uint8Array])[];
  /** Splits the message over records of at most this many bytes. */
  readonly recordBytes?: number;
  /** Bytes that follow the message in its last record. */
  readonly trailing?: Uint8Array;
}

/** Builds a ClientHello (RFC 8446, 4.1.2) for tests, also malformed ones. */
export function buildHello(options: HelloOptions): Buffer {
  const extensions: Buffer[] = [];
  for (const names of [options.names, options.secondNames])
    if (names !== undefined) extensions.push(extension(0, nameList(names)));
  extensions.push(extension(0x2b, Buffer.from([2, 3, 4])));
  for (const [type, content] of options.extraExtensions ?? []) extensions.push(extension(type, content));
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    Buffer.from([0]),
    sized(2, Buffer.from([0x13, 1])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.from([1]), sized(3, body), options.trailing ?? Buffer.alloc(0)]);
  return toRecords(message, options.recordBytes ?? 16_384);
}

/** Wraps bytes in handshake records. */
export function toRecords(message: Uint8Array, recordBytes: number): Buffer {
  const records: Buffer[] = [];
  for (let offset = 0; offset < message.length; offset += recordBytes) {
    records.push(Buffer.from([22, 3, 1]), sized(2, message.subarray(offset, offset + recordBytes)));
  }
  return Buffer.concat(records);
}

function nameList(names: readonly string[]): Buffer {
  return sized(
    2,
    Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(name, 'latin1'))]))),
  );
}

function extension(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(2, content)]);
}

function sized(width: 1 | 2 | 3, content: Uint8Array): Buffer {
  const length = Buffer.alloc(width);
  length.writeUIntBE(content.length, 0, width);
  return Buffer.concat([length, content]);
}
