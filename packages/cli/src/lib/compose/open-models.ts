import type { LanguageModel, ModelPrice } from '@genie/core/ports';
import { createDaemon, type Environment, findModel, type ModelCandidate, resolveModel } from '@genie/inference';
import type { GenieSettings } from './genie-settings.ts';

export interface ModelReferences {
  readonly planning?: string | undefined;
  readonly execution?: string | undefined;
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
  /** Ends the workers of local models. Idempotent. */
  close(): Promise<void>;
}

export interface OpenModelsOptions {
  readonly references: ModelReferences;
  readonly settings: Pick<GenieSettings, 'modelBaseUrl' | 'prices'>;
  readonly environment: Environment;
  /** How model calls leave: the genie's egress. */
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal;
}

/**
 * The two models of a genie: by reference where the genie names them, else the first that is found. Errors as `resolveModel`
 * and `findModel`.
 */
export async function openModels(options: OpenModelsOptions): Promise<OpenModels> {
  const { environment, fetch, settings } = options;
  const { planning, execution } = options.references;
  const resolving = { environment, fetch, ...(settings.modelBaseUrl ? { baseURL: settings.modelBaseUrl } : {}) };
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

/** Plans and runs share one daemon, so that a model file that serves both is in memory once. */
function resolveBoth(
  references: OpenModels['references'],
  resolving: NonNullable<Parameters<typeof resolveModel>[1]>,
): Pick<OpenModels, 'planning' | 'execution' | 'close'> {
  const paths = Object.values(references).flatMap((one) => /^local\/(.+)$/.exec(one)?.[1] ?? []);
  const models = Object.fromEntries(paths.map((path) => [path, path]));
  const daemon = paths.length > 0 ? createDaemon({ models, contextTokens: localContextTokens, lazy: true }) : undefined;
  const options = daemon ? { ...resolving, daemon } : resolving;
  return {
    planning: resolveModel(references.planning, options),
    execution: resolveModel(references.execution, options),
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
