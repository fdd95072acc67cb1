import { DatabaseSync } from 'node:sqlite';
import { describeThrown, GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import type { z } from 'zod';
import { type Genome, type GenomeInput, genomeSchema, type Layer, type LayerInput, layerSchema } from './genome.ts';
import type { GenomeMatch, GenomeSearch, GenomeStore, StoreOptions } from './genome-store.ts';
import { searchRecords } from './search-records.ts';

const schemaVersion = 1;

/**
 * Opens a genome store in a SQLite file (`:memory:` for none). Records are JSON of a versioned form; the tables only index them.
 * Throws `GENIE_GENOME_STORE` when the file is not usable or was written by a newer version.
 */
export function openGenomeStore(options: { readonly path: string }): GenomeStore {
  const database = openDatabase(options.path);
  const read = <Value>(table: 'layers' | 'genomes', id: string) => {
    const row = database.prepare(`SELECT record FROM ${table} WHERE id = ?`).get(id);
    return row ? (parseJson(String(row.record)) as Value) : undefined;
  };
  const all = <Value>(table: 'layers' | 'genomes') =>
    database
      .prepare(`SELECT record FROM ${table} ORDER BY id`)
      .all()
      .map((row) => parseJson(String(row.record)) as Value);
  const write = (table: 'layers' | 'genomes', id: string, record: unknown) =>
    database
      .prepare(
        `INSERT INTO ${table} (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record`,
      )
      .run(id, JSON.stringify(record));

  return {
    putLayer: guarded(async (input: LayerInput) => {
      const layer = parse(layerSchema, input, 'layer');
      write('layers', layer.layerId, layer);
      return layer;
    }),
    getLayer: guarded(async (layerId: string) => read<Layer>('layers', layerId)),
    deleteLayer: guarded(async (layerId: string) => {
      const user = all<Genome>('genomes').find((genome) => genome.layers.some((layer) => layer.layerId === layerId));
      if (user)
        throw invalid(`layer "${layerId}" is used by genome "${user.genomeId}": change or delete that genome first`);
      return database.prepare('DELETE FROM layers WHERE id = ?').run(layerId).changes > 0;
    }),
    putGenome: guarded(async (input: GenomeInput) => {
      const genome = parse(genomeSchema, input, 'genome');
      for (const { layerId } of genome.layers) checkLayer(genome, read<Layer>('layers', layerId), layerId);
      write('genomes', genome.genomeId, genome);
      return genome;
    }),
    getGenome: guarded(async (genomeId: string) => read<Genome>('genomes', genomeId)),
    searchLayers: guarded(async (search: GenomeSearch): Promise<readonly GenomeMatch<Layer>[]> => {
      const layers = all<Layer>('layers').filter(
        ({ traitType }) => search.traitType === undefined || traitType === search.traitType,
      );
      return searchRecords(layers, search);
    }),
    searchGenomes: guarded(
      async (search: GenomeSearch): Promise<readonly GenomeMatch<Genome>[]> =>
        searchRecords(all<Genome>('genomes'), search),
    ),
    close: async () => {
      if (database.isOpen) database.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;');
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
    if (version > schemaVersion) {
      database.close();
      throw new GenieError(
        'GENIE_GENOME_STORE',
        `Genome store "${path}" has version ${version}, this program knows ${schemaVersion}: update the program.`,
      );
    }
    database.exec(`
      CREATE TABLE IF NOT EXISTS layers (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS genomes (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      PRAGMA user_version = ${schemaVersion};
    `);
    return database;
  } catch (error) {
    if (GenieError.isInstance(error)) throw error;
    throw new GenieError('GENIE_GENOME_STORE', `Genome store "${path}" cannot be opened: ${describeThrown(error)}.`, {
      cause: error,
    });
  }
}

/** Checks the signal first and gives failures of the database a code. */
function guarded<Input, Value>(
  work: (input: Input) => Promise<Value>,
): (input: Input, options?: StoreOptions) => Promise<Value> {
  return async (input, options = {}) => {
    options.signal?.throwIfAborted();
    try {
      return await work(input);
    } catch (error) {
      if (GenieError.isInstance(error)) throw error;
      throw new GenieError('GENIE_GENOME_STORE', `The genome store failed: ${describeThrown(error)}.`, {
        cause: error,
      });
    }
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, input: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(`the ${what} record has a wrong "${issue?.path.join('.')}": ${issue?.message}`);
}

function checkLayer(genome: Genome, layer: Layer | undefined, layerId: string): void {
  if (!layer) {
    throw new GenieError(
      'GENIE_GENOME_UNKNOWN',
      `Genome "${genome.genomeId}" refers to the layer "${layerId}", which is not stored: put the layer first.`,
    );
  }
  if (layer.baseModelHash !== undefined && layer.baseModelHash !== genome.baseModel.contentHash) {
    throw invalid(
      `layer "${layerId}" was made for the base ${layer.baseModelHash.slice(0, 12)}…, genome "${genome.genomeId}" has ${genome.baseModel.contentHash.slice(0, 12)}…`,
    );
  }
  if (genome.sharing.public && !layer.sharing.public)
    throw invalid(
      `genome "${genome.genomeId}" is public, its layer "${layerId}" is not: make it private or drop the layer`,
    );
}

function invalid(problem: string): GenieError {
  return new GenieError('GENIE_GENOME_INVALID', `Genome store: ${problem}.`);
}
