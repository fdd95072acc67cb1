import { scenarioFacts } from '../conformance/model-suite.ts';

const { text } = scenarioFacts;

/** The text of the scenarios, word by word. */
export const words = text.split(/(?<= )/);
export const half = words.slice(0, 4);

/** A server-sent event without and with a name. */
export const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
export const event = (value: { type: string }) => `event: ${value.type}\n${data(value)}`;
export const line = (value: unknown) => `${JSON.stringify(value)}\n`;
export const saysStream = (_request: unknown, body: string) =>
  (JSON.parse(body) as { stream?: boolean }).stream === true;

export function halves(value: string): readonly [string, string] {
  const middle = Math.ceil(value.length / 2);
  return [value.slice(0, middle), value.slice(middle)];
}
