import { createHash } from 'node:crypto';
import type { CheckedLayer } from '../layers/check-layer.ts';
import type { Adapter, AdapterHost } from './adapter-host.ts';
import type { LlamaSequence, Token } from './llama-library.ts';
import type { StateFiles } from './state-files.ts';

/** Shorter conversations are read again as fast as a file is. */
const leastTokens = 32;

/** Gives a prompt a sequence with the right adapters and as much of the prompt as is known: in a slot, else in a file. */
export class PrefixStore {
  readonly #host: AdapterHost;
  readonly #states: StateFiles | undefined;
  readonly #bytesPerToken: number;
  hits = 0;
  misses = 0;

  constructor(parts: {
    readonly host: AdapterHost;
    readonly states: StateFiles | undefined;
    readonly bytesPerToken: number;
  }) {
    this.#host = parts.host;
    this.#states = parts.states;
    this.#bytesPerToken = parts.bytesPerToken;
  }

  /** What is known of the prompt is always at least one token short of it. */
  async take(
    key: string,
    layers: readonly (CheckedLayer & { readonly weight: number })[],
    tokens: readonly Token[],
  ): Promise<LlamaSequence> {
    const adapters: readonly Adapter[] = layers.map(({ path, weight }) => ({ filePath: path, scale: weight }));
    const known = tokens.slice(0, -1);
    const { sequence, kind } = await this.#host.take(key, adapters, known, (oldKey, old) => this.#save(oldKey, old));
    const restored = kind !== 'hit' && (await this.#restore(key, sequence, known));
    if (sequence.nextTokenIndex > 0) await sequence.adaptStateToTokens(known, false);
    if (kind === 'hit' || restored) this.hits += 1;
    else this.misses += 1;
    return sequence;
  }

  async #save(key: string, sequence: LlamaSequence): Promise<void> {
    const tokens = sequence.nextTokenIndex;
    if (!this.#states || tokens < leastTokens) return;
    await this.#states.save({
      key: fileKey(key, sequence.contextTokens),
      tokens,
      estimatedBytes: tokens * this.#bytesPerToken,
      write: (path) => sequence.saveStateToFile(path),
    });
  }

  async #restore(key: string, sequence: LlamaSequence, tokens: readonly Token[]): Promise<boolean> {
    if (!this.#states || tokens.length < leastTokens) return false;
    return this.#states.restore(fileKey(key, tokens), (path) => sequence.loadStateFromFile(path, { acceptRisk: true }));
  }
}

/** A genome may hold several conversations; their beginnings tell them apart. */
function fileKey(key: string, tokens: readonly Token[]): string {
  return createHash('sha256')
    .update(`${key} ${tokens.slice(0, leastTokens).join(' ')}`)
    .digest('hex');
}
