/** One question of a DNS query (RFC 1035, 4.1). */
export interface DnsQuestion {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  /** The question section as it came, for the answer. */
  readonly bytes: Uint8Array;
}

export const typeA = 1;

/** Reads a query with exactly one question; undefined for anything else. */
export function readQuestion(message: Uint8Array): DnsQuestion | undefined {
  const view = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const isQuery = view.length >= 17 && (view.readUInt16BE(2) & 0xf800) === 0 && view.readUInt16BE(4) === 1;
  if (!isQuery) return undefined;
  const labels: string[] = [];
  let offset = 12;
  for (;;) {
    const length = view[offset] ?? 255;
    offset += 1;
    if (length === 0) break;
    // No pointers: there is nothing before the question that one could point to.
    if (length > 63 || offset + length > view.length || labels.length > 127) return undefined;
    labels.push(view.toString('latin1', offset, offset + length));
    offset += length;
  }
  if (offset + 4 > view.length) return undefined;
  return {
    id: view.readUInt16BE(0),
    name: labels.join('.'),
    type: view.readUInt16BE(offset),
    bytes: view.subarray(12, offset + 4),
  };
}

/** An answer with one A record, with none (`noData`), or that the name does not exist. */
export function writeAnswer(question: DnsQuestion, answer: { readonly address: number } | 'noData' | 'noName'): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(question.id, 0);
  head.writeUInt16BE(answer === 'noName' ? 0x8583 : 0x8580, 2);
  head.writeUInt16BE(1, 4);
  if (typeof answer === 'string') return Buffer.concat([head, question.bytes]);
  head.writeUInt16BE(1, 6);
  const record = Buffer.alloc(16);
  // A pointer to the question's name, type A, class IN, one second to live.
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(1, 6);
  record.writeUInt16BE(4, 10);
  record.writeUInt32BE(answer.address, 12);
  return Buffer.concat([head, question.bytes, record]);
}
