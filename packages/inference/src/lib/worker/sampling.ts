import { describeThrown } from '@genie/core/errors';
import { toModelError } from '../failure/model-failure.ts';
import type { JsonSchema } from '../json-schema.ts';
import type { EngineRequest } from './engine-request.ts';
import { jsonGrammar } from './json-grammar.ts';
import type { Llama, LlamaGrammar, LlamaLibrary, LlamaModel } from './llama-library.ts';

const maxGrammars = 64;

/** The library has limits of its own, for repetitions above all. */
function refuse(error: unknown): never {
  const message = `no answer can be forced into this JSON schema, ${describeThrown(error)}`;
  throw toModelError({ kind: 'bad-request', message }, 'local');
}

/** Turns a request into the library's sampling options; keeps the grammars of schemas that were asked for before. */
export class Sampling {
  readonly #library: LlamaLibrary;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #grammars = new Map<string, LlamaGrammar>();

  constructor(parts: { readonly library: LlamaLibrary; readonly llama: Llama; readonly model: LlamaModel }) {
    this.#library = parts.library;
    this.#llama = parts.llama;
    this.#model = parts.model;
  }

  async of(request: EngineRequest): Promise<Readonly<Record<string, unknown>>> {
    const { temperature = 0, topP, topK, seed, schema } = request;
    const grammar = schema ? await this.#grammar(schema, request.maxTokens) : undefined;
    return {
      temperature,
      ...(topP === undefined ? {} : { topP }),
      ...(topK === undefined ? {} : { topK }),
      ...(seed === undefined ? {} : { seed }),
      ...(grammar
        ? { grammarEvaluationState: new this.#library.LlamaGrammarEvaluationState({ model: this.#model, grammar }) }
        : {}),
    };
  }

  async #grammar(schema: JsonSchema, maxTokens: number): Promise<LlamaGrammar> {
    const name = `${maxTokens} ${JSON.stringify(schema)}`;
    const known = this.#grammars.get(name);
    if (known) return known;
    const grammar = await this.#llama.createGrammar({ grammar: jsonGrammar(schema, maxTokens) }).catch(refuse);
    if (this.#grammars.size >= maxGrammars) this.#grammars.delete(this.#grammars.keys().next().value ?? '');
    this.#grammars.set(name, grammar);
    return grammar;
  }
}
