import { GenieError } from '@genie/core/errors';
import { toModelError } from '../failure/model-failure.ts';

/** The part of node-llama-cpp that the engine uses. Names with an underscore are internal and feature-tested. */
export interface LlamaLibrary {
  getLlama(options: Readonly<Record<string, unknown>>): Promise<Llama>;
  resolveChatWrapper(model: LlamaModel): ChatWrapper;
  LlamaGrammarEvaluationState: new (options: { readonly model: LlamaModel; readonly grammar: LlamaGrammar }) => object;
}

export type Token = number & { readonly __token: never };

export interface Llama {
  loadModel(options: Readonly<Record<string, unknown>>): Promise<LlamaModel>;
  createGrammar(options: { readonly grammar: string }): Promise<LlamaGrammar>;
  dispose(): Promise<void>;
}

export type LlamaGrammar = object;

export interface LlamaModel {
  readonly tokenizer: unknown;
  readonly tokens: { readonly bos: Token | null; readonly shouldPrependBosToken: boolean };
  readonly fileInfo: { readonly metadata: { readonly tokenizer?: { readonly chat_template?: string } } };
  tokenize(text: string, specialTokens?: boolean): Token[];
  detokenize(tokens: readonly Token[], specialTokens?: boolean, lastTokens?: readonly Token[]): string;
  isEogToken(token: Token): boolean;
  createContext(options: Readonly<Record<string, unknown>>): Promise<LlamaContext>;
  dispose(): Promise<void>;
  _getOrLoadLora?(path: string): Promise<LoraAdapter>;
  readonly _loraAdapters?: Map<string, LoraAdapter>;
}

export interface LoraAdapter {
  readonly filePath: string;
  dispose(): Promise<void>;
}

export interface LlamaContext {
  readonly contextSize: number;
  readonly memoryUsage?: unknown;
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
  _setLoras?(adapters: readonly { readonly filePath: string; readonly scale: number }[]): Promise<void>;
  readonly _loraAdapters?: Set<LoraAdapter>;
}

export interface LlamaSequence {
  readonly nextTokenIndex: number;
  readonly contextTokens: readonly Token[];
  compareContextTokens(tokens: readonly Token[]): { readonly firstDifferentIndex: number };
  adaptStateToTokens(tokens: readonly Token[], allowShift?: boolean): Promise<void>;
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly Token[], options?: Readonly<Record<string, unknown>>): AsyncGenerator<Token, void, unknown>;
  evaluateWithoutGeneratingNewTokens(
    tokens: readonly Token[],
    options?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  saveStateToFile(path: string): Promise<{ readonly fileSize: number }>;
  loadStateFromFile(path: string, accept: { readonly acceptRisk: true }): Promise<void>;
  dispose(): void;
}

export interface ChatWrapper {
  generateContextState(options: { readonly chatHistory: readonly unknown[] }): {
    readonly contextText: { tokenize(tokenizer: unknown): Token[] };
  };
}

/** The version whose internals were tested; another one may still pass the feature test. */
export const testedVersion = '3.22.1';

/** Imports node-llama-cpp, or the module at `modulePath`. Rejects with `GENIE_MODEL_PEER_MISSING` and the install command. */
export async function loadLlamaLibrary(modulePath: string | undefined): Promise<LlamaLibrary> {
  const specifier = modulePath ?? 'node-llama-cpp';
  try {
    return (await import(specifier)) as LlamaLibrary;
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const message = `the package node-llama-cpp is not installed: npm install node-llama-cpp@${testedVersion}`;
    throw toModelError({ kind: 'peer-missing', message }, 'local');
  }
}

/** Whether adapters can be switched on a living context. Without it the engine keeps a context for each genome. */
export function canSwitchAdapters(model: LlamaModel, context: LlamaContext): boolean {
  return (
    typeof context._setLoras === 'function' &&
    typeof model._getOrLoadLora === 'function' &&
    model._loraAdapters instanceof Map &&
    context._loraAdapters instanceof Set
  );
}

/** Frees an adapter that is set on no context. Freeing one in use crashes the process, so the caller has set others before. */
export async function freeAdapter(model: LlamaModel, context: LlamaContext, adapter: LoraAdapter): Promise<void> {
  if (!model._loraAdapters || !context._loraAdapters)
    throw new GenieError(
      'GENIE_LAYER_INTERNAL',
      'Adapters cannot be freed: this version of node-llama-cpp keeps them elsewhere.',
    );
  for (const [path, known] of model._loraAdapters) if (known === adapter) model._loraAdapters.delete(path);
  context._loraAdapters.delete(adapter);
  await adapter.dispose();
}
