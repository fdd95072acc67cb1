export type { ApprovalsSetup } from './lib/conformance/approvals-setup.ts';
export { approvalsSuite } from './lib/conformance/approvals-suite.ts';
export type {
  ConformanceCase,
  ConformanceReport,
  ConformanceResult,
  ConformanceSetup,
  ConformanceSuite,
} from './lib/conformance/conformance.ts';
export { expectCode, expectEqual, expectThat, runConformance } from './lib/conformance/conformance.ts';
export type { EgressSetup } from './lib/conformance/egress-suite.ts';
export { egressSuite } from './lib/conformance/egress-suite.ts';
export type { JournalSetup } from './lib/conformance/journal-suite.ts';
export { journalSuite } from './lib/conformance/journal-suite.ts';
export type { ManualClock } from './lib/conformance/manual-clock.ts';
export { createManualClock } from './lib/conformance/manual-clock.ts';
export type { MemorySetup } from './lib/conformance/memory-suite.ts';
export { memorySuite } from './lib/conformance/memory-suite.ts';
export type { MetricsSetup } from './lib/conformance/metrics-suite.ts';
export { metricsSuite } from './lib/conformance/metrics-suite.ts';
export type { NotifierSetup, ReceivedNotification } from './lib/conformance/notifier-suite.ts';
export { notifierSuite } from './lib/conformance/notifier-suite.ts';
