import { GenieError } from '@genie/core/errors';
import { z } from 'zod';
import type { ContainerSpec } from './orchestrator.ts';

/** A name that is safe as host name, volume name, label and folder. */
const nameForm = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

const text = z.string().refine((value) => !value.includes('\0'), 'holds a NUL');
const absolute = text.regex(/^\/(?!.*\/\.\.?(?:\/|$))/, 'is no absolute path');
const command = z.tuple([text.min(1)], text);

const specSchema = z.strictObject({
  name: z.string().regex(nameForm, 'use lower-case letters, digits and dashes, 40 at most'),
  command,
  image: text.min(1).optional(),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable'), text).optional(),
  workingDirectory: absolute.optional(),
  mounts: z.array(z.strictObject({ source: absolute, target: absolute, readOnly: z.boolean().optional() })).optional(),
  limits: z
    .strictObject({
      memoryBytes: z
        .int()
        .min(16 * 2 ** 20)
        .optional(),
      cpus: z.number().positive().max(1024).optional(),
      maxProcesses: z.int().min(2).optional(),
    })
    .optional(),
  egress: absolute.optional(),
  labels: z.record(z.string().min(1).max(200), text.max(4_000)).optional(),
  health: z.strictObject({ command, intervalMs: z.int().min(1), retries: z.int().min(1).optional() }).optional(),
});

/** The checked form of a specification. Throws `GENIE_CONTAINER_SPEC` with everything that is wrong. */
export function readSpec(spec: ContainerSpec): ContainerSpec {
  const read = specSchema.safeParse(spec);
  if (read.success) return spec;
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new GenieError('GENIE_CONTAINER_SPEC', `The container cannot be made: ${problems.join('; ')}.`);
}

/** Whether a container can have this name at all; a name that is not usable is one that does not exist. */
export function isContainerName(name: string): boolean {
  return nameForm.test(name);
}
