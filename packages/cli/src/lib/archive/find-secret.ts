import { createReadStream } from 'node:fs';
import type { Environment } from '@genie/inference';

export interface Secret {
  /** The variable that holds it; shown instead of the value. */
  readonly name: string;
  readonly value: Buffer;
}

/** Values of the environment that must not leave with a home. Short ones would be found everywhere. */
export function secretsOf(environment: Environment): readonly Secret[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined &&
    value.length >= 8 &&
    /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$/i.test(name)
      ? [{ name, value: Buffer.from(value) }]
      : [],
  );
}

/** The name of the first secret whose value the file holds. Reads in chunks that overlap by the longest secret. */
export async function findSecret(path: string, secrets: readonly Secret[]): Promise<string | undefined> {
  if (secrets.length === 0) return undefined;
  const overlap = Math.max(...secrets.map(({ value }) => value.length)) - 1;
  let tail = Buffer.alloc(0);
  for await (const chunk of createReadStream(path)) {
    const window = Buffer.concat([tail, chunk as Buffer]);
    const found = secrets.find(({ value }) => window.includes(value));
    if (found) return found.name;
    tail = window.subarray(Math.max(0, window.length - overlap));
  }
  return undefined;
}
