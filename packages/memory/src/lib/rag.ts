import type { Memory, MemoryInput, RagNamespace } from './memory.ts';

/** Chunks aim at this size: a paragraph or two, what a model can quote. */
const chunkLength = 1_200;

/** A namespace of its own over a memory. */
export function createRag(memory: Pick<Memory, 'remember' | 'recall' | 'forget'>, namespace: string): RagNamespace {
  return {
    namespace,
    add: ({ id, text, source, eventTime }) =>
      memory.remember(
        splitText(text).map(
          (chunk, at): MemoryInput => ({
            text: chunk,
            kind: 'document',
            namespace,
            ...(id === undefined ? {} : { id: `${id}#${at + 1}` }),
            ...(source === undefined && id === undefined ? {} : { source: source ?? id ?? '' }),
            ...(eventTime === undefined ? {} : { eventTime }),
          }),
        ),
      ),
    query: (query, options = {}) => memory.recall(query, { ...options, namespace }),
    forget: (selector, options) => memory.forget({ ...selector, namespace }, options),
  };
}

/** Paragraphs, joined up to the chunk length; a longer paragraph is cut at sentences, a longer sentence at words. */
export function splitText(text: string): string[] {
  const chunks: string[] = [];
  let current = '';
  for (const piece of text.split(/\n\s*\n/).flatMap(cutParagraph)) {
    if (current !== '' && current.length + piece.length + 2 > chunkLength) {
      chunks.push(current);
      current = '';
    }
    current = current === '' ? piece : `${current}\n\n${piece}`;
  }
  if (current.trim() !== '') chunks.push(current);
  return chunks;
}

function cutParagraph(paragraph: string): string[] {
  const trimmed = paragraph.trim();
  if (trimmed.length <= chunkLength) return trimmed === '' ? [] : [trimmed];
  const pieces: string[] = [];
  let rest = trimmed;
  while (rest.length > chunkLength) {
    const head = rest.slice(0, chunkLength);
    const sentence = Math.max(
      head.lastIndexOf('. '),
      head.lastIndexOf('! '),
      head.lastIndexOf('? '),
      head.lastIndexOf('\n'),
    );
    const space = head.lastIndexOf(' ');
    const cut = sentence > chunkLength / 3 ? sentence + 1 : space > chunkLength / 3 ? space : chunkLength;
    pieces.push(rest.slice(0, cut).trim());
    rest = rest.slice(cut).trim();
  }
  if (rest !== '') pieces.push(rest);
  return pieces;
}
