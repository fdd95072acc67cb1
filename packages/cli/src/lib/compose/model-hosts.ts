import type { Environment } from '@genie/inference';

const providerHosts: Readonly<Record<string, string>> = {
  anthropic: 'api.anthropic.com',
  openai: 'api.openai.com',
  google: 'generativelanguage.googleapis.com',
};

/**
 * The hosts that a genie's own models are called at, as allowlist entries: who chose the model chose its host. Everything
 * else a genie wants to reach is asked for.
 */
export function modelHosts(
  references: readonly (string | undefined)[],
  options: {
    readonly baseUrl?: string | undefined;
    readonly fallbacks?: readonly string[];
    readonly environment: Environment;
  },
): readonly string[] {
  const hosts = new Set<string>();
  const add = (reference: string | undefined, baseUrl: string | undefined): void => {
    const provider = reference?.split('/')[0];
    if (provider === undefined || provider === 'offline') return;
    if (baseUrl !== undefined) hosts.add(toEntry(baseUrl));
    else if (provider === 'ollama') hosts.add(toEntry(ollamaAddress(options.environment.OLLAMA_HOST)));
    else if (providerHosts[provider]) hosts.add(providerHosts[provider]);
  };
  for (const reference of references) add(reference, options.baseUrl);
  for (const reference of options.fallbacks ?? [])
    add(reference, reference.startsWith('openai-compatible/') ? options.baseUrl : undefined);
  return [...hosts];
}

/** `host:port` of an address; the port is written out, as the allowlist wants it for addresses. */
export function toEntry(address: string): string {
  const url = new URL(address);
  const port = url.port || (url.protocol === 'http:' ? '80' : '443');
  return `${url.hostname}:${port}`;
}

/** `OLLAMA_HOST` may leave out the scheme and the port; https://github.com/ollama/ollama/blob/main/docs/faq.md */
function ollamaAddress(host: string | undefined): string {
  const named = host?.trim() || '127.0.0.1:11434';
  const url = new URL(/^https?:\/\//.test(named) ? named : `http://${named}`);
  if (!url.port && !/^https?:\/\//.test(named)) url.port = '11434';
  return url.toString();
}
