import { z } from 'zod';

export const traitTypes = [
  'general_reasoning',
  'tone_and_voice',
  'ethical_reasoning',
  'domain_expertise',
  'cultural_knowledge',
  'memory_integration',
] as const;
export type TraitType = (typeof traitTypes)[number];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the file in hex');
const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

const sharing = z.strictObject({
  /** May leave this machine. */
  public: z.boolean(),
  /** SPDX expression, e.g. `Apache-2.0`. */
  licence: z.string().min(1).max(200),
});

const embedding = z.strictObject({
  /** Names the space, e.g. `genie/hash-256`: only vectors of one space are compared. */
  space: z.string().min(1).max(200),
  values: z.array(z.number()).min(1).max(8_192),
});

/** A LoRA layer: a trait that can be put on a base model. Stored form, version 1. */
export const layerSchema = z.strictObject({
  version: z.literal(1),
  layerId: id,
  name: z.string().min(1).max(200),
  description: z.string().max(4_000).default(''),
  traitType: z.enum(traitTypes),
  /** A path, or an http(s) address that is fetched through egress and checked against `contentHash`. */
  location: z.string().min(1).max(4_096),
  contentHash: sha256,
  sizeBytes: z.int().positive(),
  rank: z.int().positive().max(1_024),
  alpha: z.number().positive(),
  /** The architecture that the layer fits, e.g. `llama`. */
  architecture: z.string().min(1).max(100),
  /** Content hash of the base model it was trained on, when known. */
  baseModelHash: sha256.optional(),
  embedding: embedding.optional(),
  tags: z.array(z.string().min(1).max(60)).max(50).default([]),
  creator: z.string().min(1).max(200),
  createdAt: z.iso.datetime(),
  trainingMetrics: z
    .strictObject({ loss: z.number(), epochs: z.number().nonnegative(), performance: z.number() })
    .optional(),
  sharing,
});

/** A persona's stack: a base model and the layers on it, with their weights. Stored form, version 1. */
export const genomeSchema = z.strictObject({
  version: z.literal(1),
  genomeId: id,
  personaId: id,
  name: z.string().min(1).max(200),
  baseModel: z.strictObject({ id: z.string().min(1).max(200), contentHash: sha256 }),
  layers: z
    .array(
      z.strictObject({
        layerId: id,
        traitType: z.enum(traitTypes),
        orderIndex: z.int().nonnegative(),
        weight: z.number().min(0).max(1),
      }),
    )
    .max(20),
  embedding: embedding.optional(),
  tags: z.array(z.string().min(1).max(60)).max(50).default([]),
  generation: z.int().nonnegative().default(0),
  parentGenomes: z.array(id).max(20).default([]),
  createdAt: z.iso.datetime(),
  lastModified: z.iso.datetime(),
  sharing,
});

export type Layer = z.output<typeof layerSchema>;
export type Genome = z.output<typeof genomeSchema>;
export type LayerInput = z.input<typeof layerSchema>;
export type GenomeInput = z.input<typeof genomeSchema>;
