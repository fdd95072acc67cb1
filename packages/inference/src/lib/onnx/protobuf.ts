/** Writes Protocol Buffers wire format: as much of it as ONNX files need. https://protobuf.dev/programming-guides/encoding/ */
export type Field = readonly [tag: number, value: number | bigint | string | Uint8Array];

/** One message. Numbers are varints; texts, bytes and messages carry their length. */
export function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(([tag, value]) => {
      if (typeof value === 'number' || typeof value === 'bigint')
        return [varint(BigInt(tag << 3)), varint(BigInt(value))];
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      return [varint(BigInt((tag << 3) | 2)), varint(BigInt(bytes.length)), bytes];
    }),
  );
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === 0n) return Uint8Array.from([...bytes, low]);
    bytes.push(low | 0x80);
  }
}
