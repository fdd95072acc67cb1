export { classifyFailure } from './lib/failure/classify-failure.ts';
export type { FailureAction, FailureRule, ModelFailure, ModelFailureKind } from './lib/failure/model-failure.ts';
export { failureTable } from './lib/failure/model-failure.ts';
export type { FindModelOptions, FoundModel, ModelCandidate } from './lib/find-model.ts';
export { defaultModelIds, findModel } from './lib/find-model.ts';
export { createOfflineModel } from './lib/offline/offline-model.ts';
export type { ProviderName } from './lib/provider/providers.ts';
export type { Environment, ResolveModelOptions } from './lib/resolve-model.ts';
export { resolveModel } from './lib/resolve-model.ts';
