import type { AddressClass } from './address.ts';

/** Every check of the pipeline by name. Tests build pipelines that lack one of them and prove that an attack gets through. */
export type RuleName =
  | 'grammar'
  | 'literal'
  | 'allowlist'
  | 'port'
  | 'method'
  | 'hours'
  | 'rate'
  | 'request-bytes'
  | 'response-bytes'
  | `address:${Exclude<AddressClass, 'public'>}`
  | 'address:all-answers'
  | 'wire:auth'
  | 'wire:form'
  | 'wire:path'
  | 'wire:one-host'
  | 'wire:host-matches'
  | 'wire:framing'
  | 'wire:connection-names'
  | 'wire:hop-by-hop'
  | 'wire:upgrade'
  | 'wire:header-size'
  | 'wire:slow-client'
  | 'wire:pipelining'
  | 'tunnel:protocol'
  | 'tunnel:one-name'
  | 'tunnel:name-matches'
  | 'tunnel:encrypted-hello'
  | 'tunnel:second-hello'
  | 'tunnel:size'
  | 'tunnel:inner-host';

/** Asked before each check: does this rule apply? */
export type Rules = (name: RuleName) => boolean;

export const allRules: Rules = () => true;

/** A pipeline that lacks one check. For tests only: nothing public takes it. */
export const rulesWithout =
  (dropped: RuleName): Rules =>
  (name) =>
    name !== dropped;
