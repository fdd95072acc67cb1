import type { GenieFile } from '@genie/core/home';
import type { EventSink, GenieEvent, LanguageModel, ModelPrice } from '@genie/core/ports';
import {
  createDaemon,
  createFailover,
  type Environment,
  type FailoverModel,
  findModel,
  type ModelCandidate,
  resolveModel,
} from '@genie/inference';
import type { GenieSettings } from './genie-settings.ts';

export interface ModelReferences {
  readonly planning?: string | undefined;
  readonly execution?: string | undefined;
}

/** What was asked for counts before what `genie.json` says. */
export function chosenModels(asked: ModelReferences | undefined, file: Pick<GenieFile, 'models'>): ModelReferences {
  return {
    planning: asked?.planning ?? file.models?.planning,
    execution: asked?.execution ?? file.models?.execution,
  };
}

export interface OpenModels {
  readonly planning: LanguageModel;
  readonly execution: LanguageModel;
  /** As `resolveModel` takes them. */
  readonly references: { readonly planning: string; readonly execution: string };
  /** Why these, in a sentence. */
  readonly why: string;
  readonly candidates: readonly ModelCandidate[];
  readonly prices: { readonly planning?: ModelPrice; readonly execution?: ModelPrice };
  /** Told about every event of the genie: while the network is away only local models are asked. */
  onEvent(event: GenieEvent): void;
  /** Ends the workers of local models. Idempotent. */
  close(): Promise<void>;
}

export interface OpenModelsOptions {
  readonly references: ModelReferences;
  readonly settings: Pick<GenieSettings, 'modelBaseUrl' | 'prices' | 'fallbackModels'>;
  readonly environment: Environment;
  /** How model calls leave: the genie's egress. */
  readonly fetch: typeof globalThis.fetch;
  /** Gets `model.switched` when a fallback stands in, and when it no longer does. */
  readonly events?: EventSink;
  readonly signal?: AbortSignal;
}

/**
 * The two models of a genie: by reference where the genie names them, else the first that is found. Errors as `resolveModel`
 * and `findModel`.
 */
export async function openModels(options: OpenModelsOptions): Promise<OpenModels> {
  const { environment, fetch, settings } = options;
  const { planning, execution } = options.references;
  const resolving: Resolving = {
    environment,
    fetch,
    baseURL: settings.modelBaseUrl,
    fallbacks: settings.fallbackModels,
    events: options.events,
  };
  if (planning !== undefined && execution !== undefined) {
    const references = { planning, execution };
    const opened = resolveBoth(references, resolving);
    return { ...opened, references, why: 'named by the genie', candidates: [], prices: pricesOf(references, settings) };
  }
  // Looking for a local server is a question of this machine, asked before the genie has a door of its own.
  const found = await findModel({ environment, ...(options.signal ? { signal: options.signal } : {}) });
  const references = { planning: planning ?? found.id, execution: execution ?? found.id };
  return {
    ...resolveBoth(references, resolving),
    references,
    why: found.why,
    candidates: found.candidates,
    prices: pricesOf(references, settings),
  };
}

interface Resolving {
  readonly environment: Environment;
  readonly fetch: typeof globalThis.fetch;
  readonly baseURL: string | undefined;
  readonly fallbacks: readonly string[];
  readonly events: EventSink | undefined;
}

/** Plans and runs share one daemon, so that a model file that serves both is in memory once. */
function resolveBoth(
  references: OpenModels['references'],
  resolving: Resolving,
): Pick<OpenModels, 'planning' | 'execution' | 'onEvent' | 'close'> {
  const { environment, fetch, baseURL, fallbacks, events } = resolving;
  const named = [...Object.values(references), ...fallbacks];
  const paths = named.flatMap((one) => /^local\/(.+)$/.exec(one)?.[1] ?? []);
  const models = Object.fromEntries(paths.map((path) => [path, path]));
  const daemon = paths.length > 0 ? createDaemon({ models, contextTokens: localContextTokens, lazy: true }) : undefined;
  const shared = { environment, fetch, ...(daemon ? { daemon } : {}) };
  const chains: FailoverModel[] = [];
  const opened = new Map<string, LanguageModel>();
  const open = (reference: string): LanguageModel => {
    const first = resolveModel(reference, { ...shared, ...(baseURL === undefined ? {} : { baseURL }) });
    const others = fallbacks.filter((one) => one !== reference);
    if (others.length === 0) return first;
    // The address of the settings is the one of the named models; of a fallback only when nothing else says where it is.
    const standIn = (one: string): LanguageModel =>
      resolveModel(one, {
        ...shared,
        ...(baseURL !== undefined && one.startsWith('openai-compatible/') ? { baseURL } : {}),
      });
    const candidates = [first, ...others.map(standIn)].map((model) => ({ model }));
    const chain = createFailover({ candidates, ...(events ? { events } : {}) });
    chains.push(chain);
    return chain;
  };
  /** One that plans and runs is one chain: both know at once that it is away. */
  const openOnce = (reference: string): LanguageModel => {
    const model = opened.get(reference) ?? open(reference);
    opened.set(reference, model);
    return model;
  };
  return {
    planning: openOnce(references.planning),
    execution: openOnce(references.execution),
    onEvent(event) {
      for (const chain of chains) chain.observe(event);
    },
    close: async () => daemon?.close(),
  };
}

/** Room for a goal, its tools and a morning's news. */
const localContextTokens = 8_192;

const free: ModelPrice = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };

/** What runs on this machine is not billed by the token. */
function pricesOf(
  references: { planning: string; execution: string },
  settings: Pick<GenieSettings, 'prices'>,
): OpenModels['prices'] {
  const priceOf = (part: 'planning' | 'execution'): ModelPrice | undefined =>
    (settings.prices?.[part] as ModelPrice | undefined) ??
    (/^(?:offline$|ollama\/|local\/)/.test(references[part]) ? free : undefined);
  const planning = priceOf('planning');
  const execution = priceOf('execution');
  return { ...(planning ? { planning } : {}), ...(execution ? { execution } : {}) };
}
