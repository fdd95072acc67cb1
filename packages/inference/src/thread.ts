export type { EmbedTextsInput, EmbedTextsResult } from './lib/embedder/embed-texts.ts';
export { embedTexts } from './lib/embedder/embed-texts.ts';
export { serveModel } from './lib/worker/serve-model.ts';
