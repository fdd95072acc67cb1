import type { McpMessage, McpResourceContent } from '../content.ts';
import type { McpCallContext } from './call-context.ts';

/** A document with a fixed address. */
export interface McpResource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly mimeType?: string;
  read(context: McpCallContext): Promise<readonly McpResourceContent[]> | readonly McpResourceContent[];
}

/** Documents with a variable part, e.g. `memory://items/{id}` (RFC 6570, level 1). */
export interface McpResourceTemplate {
  readonly uriTemplate: string;
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly mimeType?: string;
  /** Undefined when there is no such document. */
  read(
    uri: string,
    variables: Readonly<Record<string, string>>,
    context: McpCallContext,
  ): Promise<readonly McpResourceContent[] | undefined>;
  /** Suggestions for a variable. */
  complete?(variable: string, value: string): Promise<readonly string[]>;
}

export interface McpPromptArgument {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  /** Suggestions for this argument. */
  complete?(value: string): Promise<readonly string[]>;
}

/** A message template that the user of a client picks. */
export interface McpPrompt {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly arguments?: readonly McpPromptArgument[];
  get(input: Readonly<Record<string, string>>, context: McpCallContext): Promise<readonly McpMessage[]>;
}

/** Matches an address against a template of simple `{name}` parts. Undefined when it does not fit. */
export function matchTemplate(template: string, uri: string): Readonly<Record<string, string>> | undefined {
  const names: string[] = [];
  const pattern = template
    .split(/(\{[^}]+\})/)
    .map((part) => {
      if (!part.startsWith('{')) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      names.push(part.slice(1, -1));
      return '([^/]+)';
    })
    .join('');
  const match = new RegExp(`^${pattern}$`).exec(uri);
  if (!match) return undefined;
  const entries = names.map((name, index): [string, string] => [name, decode(match[index + 1] ?? '')]);
  return Object.fromEntries(entries);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
