export type { ApprovalRow, ApprovalStore, Settlement, StoredApproval } from './lib/approvals/approval-store.ts';
export type {
  Approval,
  ApprovalAction,
  ApprovalFilter,
  ApprovalKind,
  ApprovalRequest,
  ApprovalStatus,
  Approvals,
  ApprovalsOptions,
  Decision,
  Grant,
  Grants,
  Verdict,
} from './lib/approvals/approvals.ts';
export type { ApprovalsDeps } from './lib/approvals/create-approvals.ts';
export { createApprovals } from './lib/approvals/create-approvals.ts';
export type {
  BudgetLimit,
  EventBase,
  EventOf,
  EventSink,
  FinishReason,
  GenieEvent,
  GenieEventType,
  LoopEvent,
  OfCall,
  OfRun,
  OfStep,
  PhaseName,
  RunEvent,
  RunStatus,
} from './lib/events/genie-event.ts';
export type { JsonObject, JsonValue } from './lib/json.ts';
export { canonicalJson, parseJson } from './lib/json.ts';
export type { AnyLanguageModel, LanguageModel, ModelCallOptions, ModelPrice } from './lib/model/language-model.ts';
export type { Clock } from './lib/ports/clock.ts';
export { systemClock } from './lib/ports/clock.ts';
export type { ContainmentPort } from './lib/ports/containment.ts';
export type { EgressContext, EgressGrade, EgressPort } from './lib/ports/egress.ts';
export type { Ids } from './lib/ports/ids.ts';
export { createIds } from './lib/ports/ids.ts';
export type { AcquireOptions, HeldLease, LeaseState, Leases } from './lib/ports/lease.ts';
export type {
  Enrichment,
  EnrichRequest,
  LearnReceipt,
  MemoryItemInput,
  MemoryPort,
  RecallAnswer,
  RecalledItem,
  RecallOptions,
  WorkingMemory,
} from './lib/ports/memory.ts';
export type {
  BusCapabilities,
  BusMessage,
  DeadLetter,
  MessageBus,
  PresenceEntry,
  Subject,
  SubscribeOptions,
} from './lib/ports/message-bus.ts';
export type { KpiDefinition, KpiProbe, KpiReading, KpiStatus, MetricsPort, RunVerdict } from './lib/ports/metrics.ts';
export type { DeliveryResult, Notification, NotificationKind, NotifierPort } from './lib/ports/notifier.ts';
export type { ObjectInfo, ObjectStore } from './lib/ports/object-store.ts';
export type {
  SandboxCapabilities,
  SandboxCommand,
  SandboxLimits,
  SandboxPort,
  SandboxResult,
} from './lib/ports/sandbox.ts';
export type { Wake, WakeHandler, WakeSchedule, Wakes } from './lib/ports/wakes.ts';
export type {
  Briefing,
  BriefingItem,
  Citation,
  Claim,
  RunRecord,
  Source,
  SourceKind,
  ToolCallSummary,
  Trigger,
  Usage,
} from './lib/run-record.ts';
export type { ApprovalPolicy, Permission, Tool, Toolbox, ToolContext, ToolEffect } from './lib/tool/tool.ts';
