export { createDaemon } from './lib/daemon/create-daemon.ts';
export type {
  Daemon,
  DaemonEvent,
  DaemonGenome,
  DaemonModelFile,
  DaemonOptions,
  DaemonRequestOptions,
} from './lib/daemon/daemon.ts';
export type { DaemonMetrics, WorkerMetrics } from './lib/daemon/daemon-metrics.ts';
export type {
  TelemetryAttributes,
  TelemetryInstrument,
  TelemetryMeter,
  TelemetryObservable,
} from './lib/daemon/telemetry-meter.ts';
export type { AnyEmbeddingModel, EmbedderOptions } from './lib/embedder/create-embedder.ts';
export { createEmbedder } from './lib/embedder/create-embedder.ts';
export type { Embedder, EmbedderStats, EmbedOptions } from './lib/embedder/embedder.ts';
export type { Endpoint, EndpointOptions } from './lib/endpoint/start-endpoint.ts';
export { startEndpoint } from './lib/endpoint/start-endpoint.ts';
export type { BreakerOptions, FailoverCandidate } from './lib/failover/candidate.ts';
export type { FailoverModel, FailoverOptions } from './lib/failover/create-failover.ts';
export { createFailover } from './lib/failover/create-failover.ts';
export type { FailoverDecision } from './lib/failover/failover-decision.ts';
export { classifyFailure } from './lib/failure/classify-failure.ts';
export type { FailureAction, FailureRule, ModelFailure, ModelFailureKind } from './lib/failure/model-failure.ts';
export { failureTable } from './lib/failure/model-failure.ts';
export type { FindModelOptions, FoundModel } from './lib/find-model.ts';
export { findModel } from './lib/find-model.ts';
export type { ConvertOptions } from './lib/genome/convert-peft-layer.ts';
export { convertPeftLayer } from './lib/genome/convert-peft-layer.ts';
export type { Genome, GenomeInput, Layer, LayerInput, TraitType } from './lib/genome/genome.ts';
export type { WeightedLayer } from './lib/genome/genome-hash.ts';
export { canonicalLayers, genomeHash } from './lib/genome/genome-hash.ts';
export type { GenomeMatch, GenomeSearch, GenomeStore, StoreOptions } from './lib/genome/genome-store.ts';
export type { ResolvedGenome, ResolveGenomeOptions } from './lib/genome/resolve-genome.ts';
export { resolveGenome } from './lib/genome/resolve-genome.ts';
export { openGenomeStore } from './lib/genome/sqlite-genome-store.ts';
export type { JsonSchema, JsonSchemaOrBoolean } from './lib/json-schema.ts';
export type { CheckedLayer } from './lib/layers/check-layer.ts';
export type { ModelCandidate } from './lib/model-places.ts';
export { defaultModelIds } from './lib/model-places.ts';
export { createOfflineModel } from './lib/offline/offline-model.ts';
export type { ProviderName } from './lib/provider/providers.ts';
export type { Environment, ResolveModelOptions } from './lib/resolve-model.ts';
export { resolveModel } from './lib/resolve-model.ts';
export type { RetrievalOptions, RetrievalReport, Retriever } from './lib/retrieval/with-retrieval.ts';
export { withRetrieval } from './lib/retrieval/with-retrieval.ts';
export type { SurveyOptions } from './lib/survey-models.ts';
export { surveyModels } from './lib/survey-models.ts';
export type { BackendOptions } from './lib/worker/backend.ts';
export type { EngineOptions } from './lib/worker/engine-options.ts';
export type {
  EngineLayer,
  EngineMessage,
  EngineRequest,
  EngineResult,
  EngineStats,
} from './lib/worker/engine-request.ts';
export type { CreateTransport, FromWorker, ToWorker, WorkerTransport } from './lib/worker/protocol.ts';
