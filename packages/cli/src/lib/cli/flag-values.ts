import { usageError } from './usage-error.ts';

export type FlagValue = boolean | number | string | readonly string[];

/** Parsed flags with typed access. Asking for the wrong type is a mistake of the command, not of the user. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, FlagValue>;

  constructor(values: ReadonlyMap<string, FlagValue>) {
    this.#values = values;
  }

  /** True when a boolean flag is on. */
  on(name: string): boolean {
    return this.#values.get(name) === true;
  }

  /** True or false when it was said, undefined when not. */
  choice(name: string): boolean | undefined {
    const value = this.#values.get(name);
    return typeof value === 'boolean' ? value : undefined;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values.get(name);
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  number(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === 'number' ? value : undefined;
  }

  /** A number above zero, or a usage error that names the flag. */
  positive(name: string): number | undefined {
    const value = this.number(name);
    if (value !== undefined && value <= 0) throw usageError(`--${name} is ${value}: use a number above 0.`);
    return value;
  }
}
