export type { RunDecision } from './lib/approvals/allow-for-run.ts';
export { allowForRun, endRunGrants } from './lib/approvals/allow-for-run.ts';
export type { Passage } from './lib/approvals/door.ts';
export type { AuditEntry, AuditLog, ExitForm } from './lib/audit/audit-record.ts';
export type { StoredEntry } from './lib/audit/chain.ts';
export type { AuditOptions, FileAudit } from './lib/audit/open-audit.ts';
export { openAudit } from './lib/audit/open-audit.ts';
export type { AuditQuery, AuditVerdict } from './lib/audit/query-audit.ts';
export { queryAudit, verifyAudit } from './lib/audit/query-audit.ts';
export type { ContainmentReport } from './lib/containment/explain-containment.ts';
export { explainContainment } from './lib/containment/explain-containment.ts';
export type { Containment, ContainmentOptions } from './lib/containment/open-containment.ts';
export { openContainment } from './lib/containment/open-containment.ts';
export type { Egress, GrantInput } from './lib/create-egress.ts';
export { createEgress } from './lib/create-egress.ts';
export type { Credential, CredentialBook } from './lib/credentials/credentials.ts';
export type { Answer, Answers, Lookup } from './lib/dial/lookup.ts';
export { createResolverLookup, lookupBySystem } from './lib/dial/lookup.ts';
export type { UpstreamProxyOptions } from './lib/dial/upstream-proxy.ts';
export { EgressError } from './lib/egress-error.ts';
export type { Admission, Departure, Exit, Gate } from './lib/gate.ts';
export type { GuardOptions, RawUse } from './lib/guard/install-guard.ts';
export { installGuard } from './lib/guard/install-guard.ts';
export type {
  FlushReport,
  MutationQueue,
  MutationQueueOptions,
  SendResult,
} from './lib/mutations/open-mutation-queue.ts';
export { openMutationQueue } from './lib/mutations/open-mutation-queue.ts';
export type { Conflict, Mutation, QueuedMutation } from './lib/mutations/queue-file.ts';
export type { EgressOptions } from './lib/options.ts';
export type { AddressClass } from './lib/policy/address.ts';
export type { AllowEntry, CompiledEntry } from './lib/policy/allow-entry.ts';
export type { Decision, DenialReason, Destination } from './lib/policy/decision.ts';
export type { HostName } from './lib/policy/host-name.ts';
export type { Hours } from './lib/policy/hours.ts';
export type { Policy, PolicyOptions } from './lib/policy/policy.ts';
export { compilePolicy } from './lib/policy/policy.ts';
export type { RuleName, Rules } from './lib/policy/rules.ts';
export type { ProxyOptions, ProxyServer } from './lib/proxy/start-proxy.ts';
export { startProxy } from './lib/proxy/start-proxy.ts';
export type { StandaloneProxy, StandaloneProxyOptions } from './lib/proxy/start-standalone-proxy.ts';
export { startStandaloneProxy } from './lib/proxy/start-standalone-proxy.ts';
export type { NetworkListener, NetworkState, Sentinel, SentinelOptions } from './lib/sentinel/create-sentinel.ts';
export { createSentinel } from './lib/sentinel/create-sentinel.ts';
export type { ProbeTarget } from './lib/sentinel/probe-target.ts';
