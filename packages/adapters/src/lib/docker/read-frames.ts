import type { Readable } from 'node:stream';
import type { ContainerOutput } from '../orchestrator/orchestrator.ts';

const headerBytes = 8;

/**
 * Takes apart what Docker sends when there is no terminal: frames of one byte stream number, three zero bytes, four bytes length
 * (Docker Engine API, "Attach to a container").
 */
export async function* readFrames(stream: Readable): AsyncGenerator<ContainerOutput> {
  let rest: Buffer = Buffer.alloc(0);
  let frame: { readonly stream: ContainerOutput['stream']; left: number } | undefined;
  for await (const chunk of stream) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    while (rest.length > 0) {
      if (!frame) {
        if (rest.length < headerBytes) break;
        frame = { stream: rest[0] === 2 ? 'stderr' : 'stdout', left: rest.readUInt32BE(4) };
        rest = rest.subarray(headerBytes);
      }
      const data = rest.subarray(0, frame.left);
      rest = rest.subarray(data.length);
      frame.left -= data.length;
      if (data.length > 0) yield { stream: frame.stream, data };
      if (frame.left > 0) break;
      frame = undefined;
    }
  }
}

/** With a terminal there are no frames, and one stream. */
export async function* readTerminal(stream: Readable): AsyncGenerator<ContainerOutput> {
  for await (const chunk of stream) yield { stream: 'stdout', data: chunk as Buffer };
}
