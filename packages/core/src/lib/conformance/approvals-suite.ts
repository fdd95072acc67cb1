import { decisionCases } from './approvals-decision-cases.ts';
import { durabilityCases } from './approvals-durability-cases.ts';
import { grantCases } from './approvals-grant-cases.ts';
import { requestCases } from './approvals-request-cases.ts';
import type { ApprovalsSetup } from './approvals-setup.ts';
import { waitCases } from './approvals-wait-cases.ts';
import type { ConformanceSuite } from './conformance.ts';

/** Every promise of the `Approvals` port. Capabilities: `durable` (rows outlive their process; see `openAnother`). */
export const approvalsSuite: ConformanceSuite<ApprovalsSetup> = {
  port: 'Approvals',
  cases: [...requestCases, ...decisionCases, ...grantCases, ...waitCases, ...durabilityCases],
};
