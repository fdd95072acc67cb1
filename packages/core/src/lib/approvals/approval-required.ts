import { GenieError } from '../genie-error.ts';

/**
 * Thrown by a tool, or by something a tool called (the egress filter), when the user has to decide first.
 * It promises that the action did NOT happen, so the call can be made again after the decision.
 * Code: `GENIE_APPROVAL_REQUIRED`.
 */
export class ApprovalRequiredError extends GenieError {
  readonly approvalIds: readonly string[];

  constructor(message: string, approvalIds: readonly string[]) {
    super('GENIE_APPROVAL_REQUIRED', message, { details: { approvalIds } });
    this.name = 'ApprovalRequiredError';
    this.approvalIds = approvalIds;
  }

  /** True also for instances of another installed copy of this package. */
  static override isInstance(error: unknown): error is ApprovalRequiredError {
    return GenieError.isInstance(error) && error.code === 'GENIE_APPROVAL_REQUIRED';
  }
}
