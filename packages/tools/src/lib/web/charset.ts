/**
 * Text of a web response. The order is the one of https://html.spec.whatwg.org/#encoding-sniffing-algorithm: byte order
 * mark, Content-Type header, declaration in the first 1,024 bytes, then UTF-8 if the bytes are valid, else windows-1252.
 */
export function decodeCharset(bytes: Uint8Array, contentType: string): string {
  const label =
    byMark(bytes) ?? usable(/charset\s*=\s*["']?([^\s"';]+)/i.exec(contentType)?.[1]) ?? usable(declared(bytes));
  if (label !== undefined) return new TextDecoder(label).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function byMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return undefined;
}

function declared(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  const xml = /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([^"']+)["']/i.exec(start)?.[1];
  const meta = /<meta[^>]*\bcharset\s*=\s*["']?([^\s"'/>;]+)/i.exec(start)?.[1];
  // A declaration that could be read byte by byte cannot be UTF-16, so such a claim means UTF-8 (same source).
  const label = xml ?? meta;
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label;
}

function usable(label: string | undefined): string | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}
