export { ApprovalRequiredError } from './lib/approvals/approval-required.ts';
export type { ErrorRecord, GenieErrorCode, GenieErrorOptions } from './lib/genie-error.ts';
export { describeThrown, GenieError, toErrorRecord } from './lib/genie-error.ts';
