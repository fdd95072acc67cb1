import type { LlamaModel, Token } from './llama-library.ts';

/** Turns tokens into text as they come: holds back halves of characters and possible beginnings of stop sequences. */
export class TextStream {
  readonly #model: LlamaModel;
  readonly #stops: readonly string[];
  #pending: Token[] = [];
  #context: Token[];
  #held = '';
  stopped = false;

  constructor(model: LlamaModel, stops: readonly string[], promptEnd: readonly Token[]) {
    this.#model = model;
    this.#stops = stops.filter((stop) => stop !== '');
    this.#context = [...promptEnd];
  }

  /** Text that may be delivered now. */
  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#model.detokenize(this.#pending, false, this.#context);
    // A replacement character at the end is a character whose other bytes are still to come; no character has more than four.
    if (text.endsWith('\uFFFD') && this.#pending.length < 4) return '';
    this.#context = [...this.#context, ...this.#pending].slice(-8);
    this.#pending = [];
    return this.#release(text);
  }

  /** What is left at the end. */
  flush(): string {
    if (this.stopped) return '';
    const rest = this.#pending.length > 0 ? this.#model.detokenize(this.#pending, false, this.#context) : '';
    this.#pending = [];
    const text = this.#release(rest) + this.#held;
    this.#held = '';
    return text;
  }

  #release(text: string): string {
    const all = this.#held + text;
    const at = this.#stops.map((stop) => all.indexOf(stop)).filter((index) => index >= 0);
    if (at.length > 0) {
      this.stopped = true;
      this.#held = '';
      return all.slice(0, Math.min(...at));
    }
    const hold = Math.max(0, ...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = hold === 0 ? '' : all.slice(-hold);
    return hold === 0 ? all : all.slice(0, -hold);
  }
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length -= 1) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
