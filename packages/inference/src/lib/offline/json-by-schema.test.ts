import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { JsonSchema } from '../json-schema.ts';
import { jsonBySchema } from './json-by-schema.ts';

/** Random zod schemas of the kinds that tools and structured answers use. */
const schemas: fc.Arbitrary<z.ZodType> = fc.letrec<{ schema: z.ZodType }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.constant(z.string()),
    fc.nat(20).map((length) => z.string().min(length)),
    fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat(50)).map(([low, span]) =>
      z
        .int()
        .min(low)
        .max(low + span),
    ),
    fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat(50)).map(([low, span]) =>
      z
        .number()
        .gt(low)
        .max(low + span + 1),
    ),
    fc.constantFrom(
      z.boolean(),
      z.null(),
      z.literal('x'),
      z.literal(7),
      z.iso.datetime(),
      z.email(),
      z.url(),
      z.uuid(),
    ),
    fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }).map((values) => z.enum(values)),
    fc.tuple(tie('schema'), fc.nat(3)).map(([inner, min]) => z.array(inner).min(min)),
    fc.tuple(tie('schema'), tie('schema')).map(([left, right]) => z.tuple([left, right])),
    fc.tuple(tie('schema'), tie('schema')).map(([left, right]) => z.union([left, right])),
    tie('schema').map((inner) => inner.nullable()),
    fc
      .dictionary(fc.constantFrom('a', 'cron', 'title', 'tools', 'kpis', 'z'), fc.tuple(tie('schema'), fc.boolean()))
      .map((shape) =>
        z.strictObject(
          Object.fromEntries(
            Object.entries(shape).map(([name, [inner, optional]]) => [name, optional ? inner.optional() : inner]),
          ),
        ),
      ),
  ),
})).schema;

describe('jsonBySchema', () => {
  it('writes a valid value for any schema, whatever the hints say', () => {
    fc.assert(
      fc.property(schemas, fc.jsonValue(), (schema, hint) => {
        const value = jsonBySchema(z.toJSONSchema(schema) as JsonSchema, (path) =>
          path.at(-1) === 'a' || path.at(-1) === '0' ? (hint as never) : undefined,
        );
        expect(schema.safeParse(value)).toMatchObject({ success: true });
      }),
      { numRuns: 500 },
    );
  });

  it('takes hints where they fit and leaves optional members out', () => {
    const schema = z.object({
      cron: z.string(),
      note: z.string().optional(),
      size: z.int().min(5),
      tags: z.array(z.string()),
    });
    const hints: Readonly<Record<string, string | number | readonly string[]>> = {
      cron: '0 5 * * *',
      size: 2,
      tags: ['x'],
    };
    expect(jsonBySchema(z.toJSONSchema(schema) as JsonSchema, (path) => hints[path.join('.')])).toEqual({
      cron: '0 5 * * *',
      size: 5,
      tags: ['x'],
    });
  });

  it('follows references and ends in schemas that contain themselves', () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree).min(0);
      },
    });
    expect(jsonBySchema(z.toJSONSchema(tree) as JsonSchema, () => undefined)).toEqual({ name: '', children: [] });
    const endless: JsonSchema = {
      $defs: {},
      type: 'object',
      properties: { next: { $ref: '#' } },
      required: ['next'],
    } as JsonSchema;
    expect(JSON.stringify(jsonBySchema(endless, () => undefined))).toContain('next');
  });
});
