import { GenieError } from '@genie/core/errors';
import type { Terminal } from '../terminal/terminal.ts';

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
  readonly hint?: string;
}

/** Questions on the terminal. Ctrl-C in one of them rejects with `GENIE_CLI_CANCELLED`. */
export interface Prompter {
  text(
    question: string,
    options?: {
      readonly initial?: string;
      readonly placeholder?: string;
      readonly check?: (text: string) => string | undefined;
    },
  ): Promise<string>;
  select<Value extends string>(question: string, choices: readonly Choice<Value>[]): Promise<Value>;
  confirm(question: string, initial: boolean): Promise<boolean>;
}

/** Loads the prompts when the first question is asked. */
export async function createPrompter(terminal: Terminal): Promise<Prompter> {
  const prompts = await import('@clack/prompts');
  const streams = { input: terminal.stdin, output: terminal.stdout } as object;
  const answered = <Value extends string | boolean>(value: Value | symbol): Value => {
    if (prompts.isCancel(value))
      throw new GenieError('GENIE_CLI_CANCELLED', 'Cancelled. Nothing was changed by this question.');
    return value as Value;
  };
  return {
    async text(question, { initial, placeholder, check } = {}) {
      const value = await prompts.text({
        message: question,
        ...(initial === undefined ? {} : { initialValue: initial }),
        ...(placeholder === undefined ? {} : { placeholder }),
        ...(check ? { validate: (text) => check(text ?? '') } : {}),
        ...streams,
      });
      return answered<string>(value).trim();
    },
    async select(question, choices) {
      const options = choices.map(({ value, label, hint }) => ({
        value: value as string,
        label,
        ...(hint ? { hint } : {}),
      }));
      return answered<string>(
        await prompts.select({ message: question, options, ...streams }),
      ) as (typeof choices)[number]['value'];
    },
    async confirm(question, initial) {
      return answered<boolean>(await prompts.confirm({ message: question, initialValue: initial, ...streams }));
    },
  };
}
