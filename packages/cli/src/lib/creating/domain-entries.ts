import { toEntry } from '../compose/model-hosts.ts';

/** Allowlist entries for accepted hosts. A host of a source keeps that source's port, which the name alone does not tell. */
export function domainEntries(
  domains: readonly string[],
  sources: readonly { readonly location: string }[],
): readonly string[] {
  return domains.flatMap((domain) => {
    const own = sources
      .filter(({ location }) => URL.canParse(location) && new URL(location).hostname === domain)
      .map(({ location }) => location);
    const entries = own
      .map(toEntry)
      .map((entry) => entry.replace(/^(?!\d+\.\d+\.\d+\.\d+:)([^:[\]]+):(?:80|443)$/, '$1'));
    return entries.length > 0 ? entries : [domain];
  });
}
