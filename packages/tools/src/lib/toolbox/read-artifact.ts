import { defineTool, type ObjectStore, type Tool } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { z } from 'zod';

/** The tool `read_artifact`: pages through a result that was too long. Errors: `GENIE_ARTIFACT_MISSING`. */
export function readArtifact(artifacts: ObjectStore): Tool {
  return defineTool({
    name: 'read_artifact',
    description:
      'Reads a part of a kept result: from "offset" (bytes) up to "limit" bytes. Follow "nextOffset" until it is missing.',
    effect: 'read',
    input: z.object({
      key: z.string().min(1),
      offset: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(40_000).default(20_000),
    }),
    run: async ({ key, offset, limit }, context) => {
      const found = await artifacts.get(key, { signal: context.signal });
      if (!found)
        throw new GenieError(
          'GENIE_ARTIFACT_MISSING',
          `There is no artifact ${JSON.stringify(key)}: use the key of an earlier result.`,
        );
      const bytes = await readRange(found.content, offset, limit);
      const part = wholeCharacters(bytes);
      const next = offset + part.length;
      return {
        key,
        offset,
        sizeBytes: found.info.sizeBytes,
        text: new TextDecoder().decode(part),
        ...(next < found.info.sizeBytes && part.length > 0 ? { nextOffset: next } : {}),
      };
    },
  }) as Tool;
}

async function readRange(content: AsyncIterable<Uint8Array>, offset: number, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let at = 0;
  for await (const chunk of content) {
    const from = Math.max(0, offset - at);
    const to = Math.min(chunk.length, offset + limit - at);
    if (to > from) parts.push(chunk.subarray(from, to));
    at += chunk.length;
    if (at >= offset + limit) break;
  }
  return Buffer.concat(parts);
}

/** Leaves off a UTF-8 character that the end of the range cut through. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes.length - 1); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
