import { EgressError } from '../egress-error.ts';
import { type HelloResult, readClientHello } from './client-hello.ts';

export type Hello = Extract<HelloResult, { readonly kind: 'hello' }>;

/** Reads what a client sends right after its first hello. */
export interface HelloWatch {
  /** Nothing in the clear can follow any more; the rest need not be read. */
  readonly isOver: boolean;
  /** What of it may go on; the rest waits for its end. Throws `EgressError`. */
  read(chunk: Buffer): Buffer;
}

const changeCipherSpec = 20;
const handshake = 22;
const clientHello = 1;
const nothing = Buffer.alloc(0);

/**
 * A server that asks for other keys gets a second hello (RFC 8446, 4.1.4), which has to be vetted like the first: not every
 * server compares the two names. Before it a client may change the cipher for show; anything else ends the watch.
 */
export function watchHellos(vet: (hello: Hello) => void, maxBytes: number): HelloWatch {
  let held: Buffer = nothing;
  let isOver = false;
  const over = (bytes: Buffer): Buffer => {
    isOver = true;
    return bytes;
  };
  return {
    get isOver() {
      return isOver;
    },
    read(chunk) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      held = nothing;
      const showLength = bytes[0] === changeCipherSpec ? 6 : 0;
      const at = bytes.subarray(showLength);
      if (bytes.length >= 5 && showLength > 0 && bytes.readUInt16BE(3) !== 1) return over(bytes);
      if (at.length > 0 && at[0] !== handshake) return over(bytes);
      if (at.length >= 6 && at[5] !== clientHello && at.readUInt16BE(3) > 0) return over(bytes);
      if (at.length >= 6) {
        const hello = readClientHello(at);
        if (hello.kind === 'invalid')
          throw new EgressError('tunnel-protocol', `the second client hello is invalid: ${hello.problem}`);
        if (hello.kind === 'hello') {
          vet(hello);
          return over(bytes);
        }
        if (at.length > maxBytes)
          throw new EgressError('tunnel-protocol', `the second client hello is over ${maxBytes} bytes`);
      }
      held = bytes;
      return nothing;
    },
  };
}
