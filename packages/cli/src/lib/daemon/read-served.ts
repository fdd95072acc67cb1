import { basename, join, resolve } from 'node:path';
import type { CommandContext } from '../cli/command.ts';
import { usageError } from '../cli/usage-error.ts';
import { homesFolder } from '../homes/homes-folder.ts';

export interface ServedLayer {
  readonly path: string;
  readonly weight: number;
}

/** What `genie daemon` was asked to serve. */
export interface Served {
  /** GGUF files by id. */
  readonly models: Readonly<Record<string, string>>;
  readonly genomes: Readonly<Record<string, { readonly base: string; readonly layers: readonly ServedLayer[] }>>;
  /** Embedders by id, as `createEmbedder` takes them. */
  readonly embedders: Readonly<Record<string, string>>;
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly workers: number;
  readonly threads: number | undefined;
  readonly contextTokens: number;
  readonly cacheFolder: string;
  readonly drainMs: number;
}

export const defaultDaemonPort = 11_500;

/** Reads flags and environment. Throws `GENIE_CLI_USAGE`. A token is taken from GENIE_DAEMON_TOKEN: command lines are seen by everybody on the machine. */
export function readServed({ flags, environment, workingFolder }: CommandContext): Served {
  const inFolder = (path: string) => resolve(workingFolder, path);
  const named = flags.texts('model');
  const models = readModels(named.length > 0 ? named : [environment.GENIE_LOCAL_MODEL ?? ''], inFolder);
  const embedders = Object.fromEntries(flags.texts('embedder').map((text) => splitName(text, 'embedder')));
  const token = environment.GENIE_DAEMON_TOKEN?.trim();
  return {
    models,
    genomes: readGenomes(flags.texts('genome'), Object.keys(models), inFolder),
    embedders,
    host: flags.text('host') ?? '127.0.0.1',
    port: flags.number('port') ?? defaultDaemonPort,
    token: token === '' ? undefined : token,
    workers: flags.positive('workers') ?? 1,
    threads: flags.positive('threads'),
    contextTokens: flags.positive('context') ?? 8_192,
    cacheFolder: inFolder(flags.text('cache') ?? join(homesFolder(environment), '.daemon')),
    drainMs: 1_000 * (flags.number('drain') ?? 20),
  };
}

/** `ID=FILE`, or `FILE` under its name without the ending. */
function readModels(texts: readonly string[], inFolder: (path: string) => string): Readonly<Record<string, string>> {
  const models = new Map<string, string>();
  for (const text of texts) {
    if (text === '') throw usageError('There is no model: use --model FILE, or set GENIE_LOCAL_MODEL.');
    const [id, path] = /^[\w.:-]+=/.test(text)
      ? splitName(text, 'model')
      : [basename(text).replace(/\.gguf$/i, ''), text];
    if (models.has(id)) throw usageError(`Two models are called "${id}": name one of them, --model other=FILE.`);
    models.set(id, inFolder(path));
  }
  return Object.fromEntries(models);
}

/** `ID=LAYER*WEIGHT+LAYER…`, on the first model unless the first part is the id of another. */
function readGenomes(
  texts: readonly string[],
  models: readonly string[],
  inFolder: (path: string) => string,
): Served['genomes'] {
  const genomes = texts.map((text) => {
    const [id, rest] = splitName(text, 'genome');
    const parts = rest.split('+');
    const base = models.includes(parts[0] ?? '') ? (parts.shift() ?? '') : (models[0] ?? '');
    if (models.includes(id)) throw usageError(`"${id}" is a model already: call the genome something else.`);
    if (parts.length === 0) throw usageError(`The genome "${id}" has no layer: use --genome ${id}=FILE*0.8.`);
    return [id, { base, layers: parts.map((part) => readLayer(part, inFolder)) }] as const;
  });
  return Object.fromEntries(genomes);
}

function readLayer(text: string, inFolder: (path: string) => string): ServedLayer {
  const [, path = text, factor] = /^(.+)\*([^*]*)$/.exec(text) ?? [];
  const weight = factor === undefined ? 1 : Number(factor);
  if (factor?.trim() === '' || !Number.isFinite(weight))
    throw usageError(`The layer "${text}" has no usable weight: use a number, e.g. ${path}*0.8.`);
  return { path: inFolder(path), weight };
}

function splitName(text: string, flag: string): readonly [id: string, rest: string] {
  const [, id, rest] = /^([\w.:-]+)=(.+)$/.exec(text) ?? [];
  if (id === undefined || rest === undefined) throw usageError(`--${flag} is ${JSON.stringify(text)}: use ID=…`);
  return [id, rest];
}
