import { randomBytes } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/client';
import type { McpAuthorization } from './oauth-fetch.ts';

/** What must survive a restart: tokens and the registration, as the authorization server issued them. Secrets. */
export interface McpCredentials {
  load(): Promise<Readonly<Record<string, unknown>> | undefined>;
  save(value: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface AuthorizationOptions {
  /** Where the authorization page sends the user back to: a loopback address that `openPage` listens on. */
  readonly redirectUrl: string;
  readonly clientName?: string;
  /** An https address with the metadata of this client, for servers that know clients by it. */
  readonly clientMetadataUrl?: string;
  /** A registration made by hand. */
  readonly client?: { readonly id: string; readonly secret?: string };
  /** Shows the page to the user; resolves with the address that it sent the user back to. */
  readonly openPage: (url: URL) => Promise<URL>;
  /** Default: in memory. */
  readonly credentials?: McpCredentials;
}

/** Authorization by a page in the user's browser: OAuth 2.1, PKCE, issuer checks, registration where it is needed. */
export function createAuthorization(options: AuthorizationOptions): McpAuthorization {
  const credentials = options.credentials ?? memoryCredentials();
  let verifier: string | undefined;
  let discovery: OAuthDiscoveryState | undefined;
  let page: Promise<URL> | undefined;
  const read = async <Value>(key: string): Promise<Value | undefined> =>
    (await credentials.load())?.[key] as Value | undefined;
  const write = async (change: Readonly<Record<string, unknown>>): Promise<void> =>
    credentials.save({ ...(await credentials.load()), ...change });
  const provider: OAuthClientProvider = {
    redirectUrl: options.redirectUrl,
    ...(options.clientMetadataUrl === undefined ? {} : { clientMetadataUrl: options.clientMetadataUrl }),
    clientMetadata: { client_name: options.clientName ?? 'Genie', redirect_uris: [options.redirectUrl] },
    state: () => randomBytes(16).toString('base64url'),
    async clientInformation() {
      if (!options.client) return read('client');
      const { id, secret } = options.client;
      // What the authorization server stamped on it is kept beside it.
      return {
        ...(await read<object>('client')),
        client_id: id,
        ...(secret === undefined ? {} : { client_secret: secret }),
      };
    },
    saveClientInformation: (client) => write({ client }),
    tokens: () => read('tokens'),
    saveTokens: (tokens) => write({ tokens }),
    redirectToAuthorization(url) {
      page = options.openPage(url).then((callback) => checkState(url, callback));
      // Whoever waits for the callback sees the failure.
      page.catch(() => undefined);
    },
    saveCodeVerifier(value) {
      verifier = value;
    },
    codeVerifier() {
      if (verifier === undefined)
        throw new GenieError('GENIE_MCP_AUTHORIZATION', 'The authorization was not begun by this process: begin anew.');
      return verifier;
    },
    saveDiscoveryState(state) {
      discovery = state;
    },
    discoveryState: () => discovery,
    async invalidateCredentials(scope) {
      if (scope === 'all' || scope === 'client') await write({ client: undefined });
      if (scope === 'all' || scope === 'tokens') await write({ tokens: undefined });
      if (scope === 'all' || scope === 'verifier') verifier = undefined;
      if (scope === 'all' || scope === 'discovery') discovery = undefined;
    },
  };
  return {
    provider,
    callback: () =>
      page ?? Promise.reject(new GenieError('GENIE_MCP_AUTHORIZATION', 'No authorization page was opened.')),
  };
}

/** A callback with another state belongs to a request that somebody else began. */
function checkState(page: URL, callback: URL): URL {
  const state = callback.searchParams.get('state');
  if (state !== null && state !== page.searchParams.get('state'))
    throw new GenieError('GENIE_MCP_AUTHORIZATION', 'The authorization came back with a state of another request.');
  return callback;
}

function memoryCredentials(): McpCredentials {
  let value: Readonly<Record<string, unknown>> | undefined;
  return {
    load: async () => value,
    async save(next) {
      value = next;
    },
  };
}
