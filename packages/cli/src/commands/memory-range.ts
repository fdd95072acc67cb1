import type { FlagValues } from '../lib/cli/flag-values.ts';

/** `--from` and `--to` as a range, ends included; a `--to` that is only a date means until the end of that day. */
export function readRange(flags: FlagValues): { readonly between?: readonly [string, string] } {
  const [from, to] = [flags.text('from'), flags.text('to')];
  if (from === undefined && to === undefined) return {};
  const end = to !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(to) ? `${to}T23:59:59.999Z` : to;
  return { between: [from ?? '0000-01-01', end ?? '9999-12-31'] };
}
