import { describeThrown, GenieError } from '@genie/core/errors';
import {
  auth,
  computeScopeUnion,
  extractWWWAuthenticateParams,
  isStrictScopeSuperset,
  type OAuthClientProvider,
} from '@modelcontextprotocol/client';

/** How a server of somebody else learns who the user is: OAuth 2.1 with PKCE, as the protocol asks for it. */
export interface McpAuthorization {
  /** Keeps tokens and registrations, and sends the user to the authorization page. */
  readonly provider: OAuthClientProvider;
  /** Resolves with the address that the authorization page sent the user back to. */
  readonly callback: () => Promise<URL>;
  /** How often one request may be answered with more authorization. Default 3. */
  readonly maxAttempts?: number;
}

/**
 * A fetch that authorizes when it is told to (401), asks for more scope when it lacks some (403), and repeats the
 * request. Rejects with `GENIE_MCP_AUTHORIZATION` when the server is not satisfied after that.
 */
export function authorizedFetch(
  fetch: typeof globalThis.fetch,
  serverUrl: string,
  authorization: McpAuthorization,
): typeof globalThis.fetch {
  const { provider, maxAttempts = 3 } = authorization;
  // One authorization at a time: two would overwrite each other's code verifier.
  let running: Promise<void> | undefined;
  return async (input, init) => {
    for (let attempt = 0; ; attempt += 1) {
      const used = await provider.tokens();
      const headers = new Headers(init?.headers);
      if (used) headers.set('authorization', `Bearer ${used.access_token}`);
      const response = await fetch(input, { ...init, headers });
      if (response.status !== 401 && !isScopeChallenge(response)) return response;
      if (attempt >= maxAttempts)
        throw new GenieError(
          'GENIE_MCP_AUTHORIZATION',
          `${serverUrl} answered ${response.status} after ${attempt} authorizations: it does not accept this user's grant.`,
        );
      await response.body?.cancel();
      running ??= authorize({ fetch, serverUrl, authorization, response })
        .catch((error: unknown) => {
          throw asAuthorizationError(serverUrl, error);
        })
        .finally(() => {
          running = undefined;
        });
      await running;
    }
  };
}

function asAuthorizationError(serverUrl: string, error: unknown): GenieError {
  if (GenieError.isInstance(error)) return error;
  const message = `The authorization for ${serverUrl} failed: ${describeThrown(error)}`;
  return new GenieError('GENIE_MCP_AUTHORIZATION', message, { cause: error });
}

function isScopeChallenge(response: Response): boolean {
  return response.status === 403 && /insufficient_scope/.test(response.headers.get('www-authenticate') ?? '');
}

interface Challenge {
  readonly fetch: typeof globalThis.fetch;
  readonly serverUrl: string;
  readonly authorization: McpAuthorization;
  readonly response: Response;
}

async function authorize({ fetch, serverUrl, authorization, response }: Challenge): Promise<void> {
  const { provider } = authorization;
  const { resourceMetadataUrl, scope: wanted } = extractWWWAuthenticateParams(response);
  const granted = (await provider.tokens())?.scope;
  // More scope keeps what was granted before; a rejected token may mean that the server changed its authority.
  const scope = response.status === 403 ? computeScopeUnion(granted, wanted) : wanted;
  if (response.status === 401) await provider.invalidateCredentials?.('discovery');
  const common = {
    serverUrl,
    fetchFn: fetch,
    ...(resourceMetadataUrl ? { resourceMetadataUrl } : {}),
    ...(scope === undefined ? {} : { scope }),
  };
  const first = await auth(provider, { ...common, forceReauthorization: isStrictScopeSuperset(scope, granted) });
  if (first === 'AUTHORIZED') return;
  const callback = await authorization.callback();
  const code = callback.searchParams.get('code');
  if (code === null)
    throw new GenieError(
      'GENIE_MCP_AUTHORIZATION',
      `The authorization of ${serverUrl} was refused: ${callback.searchParams.get('error') ?? 'no code came back'}.`,
    );
  const issuer = callback.searchParams.get('iss');
  await auth(provider, { ...common, authorizationCode: code, ...(issuer === null ? {} : { iss: issuer }) });
}
