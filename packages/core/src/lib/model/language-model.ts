import type {
  LanguageModelV2,
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FunctionTool,
  LanguageModelV4GenerateResult,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';

/** A model as users pass it: the AI SDK's provider contract, newest or one of two older versions. */
export type AnyLanguageModel = LanguageModelV4 | LanguageModelV3 | LanguageModelV2;
export type LanguageModel = LanguageModelV4;
export type ModelCallOptions = LanguageModelV4CallOptions;
export type ModelContent = LanguageModelV4Content;
export type ModelFunctionTool = LanguageModelV4FunctionTool;
export type ModelGenerateResult = LanguageModelV4GenerateResult;
export type ModelMessage = LanguageModelV4Message;
export type ModelStreamPart = LanguageModelV4StreamPart;

/** USD for a million tokens. Prices are the user's configuration: the core knows no vendor. */
export interface ModelPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
  readonly cachedInputUsdPerMillion?: number;
}
