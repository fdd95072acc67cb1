import type { Approval } from '@genie/core/ports';
import { relative } from './amounts.ts';
import { plain, plainLine, type Style } from './style.ts';

/** Exactly what is asked: the action as it is hashed, who asks, the genie's own words marked as such. */
export function approvalLines(
  approval: Approval,
  options: { readonly style: Style; readonly now: number },
): readonly string[] {
  const { style, now } = options;
  const { action } = approval;
  const payload = plain(JSON.stringify(action.payload, undefined, 2)).split('\n');
  return [
    `${style.yellow('?')} ${style.bold(plainLine(approval.title))}`,
    `  ${style.dim('id')}       ${approval.id} ${style.dim(`(${approval.status})`)}`,
    `  ${style.dim('kind')}     ${action.kind}`,
    `  ${style.dim('covers')}   ${plainLine(action.subject)} ${style.dim('(with "always")')}`,
    `  ${style.dim('exactly')}  ${payload.join('\n           ')}`,
    `  ${style.dim('hash')}     ${approval.actionHash}`,
    ...(approval.claim
      ? [`  ${style.dim('claim')}    ${style.dim('the genie says:')} ${plainLine(approval.claim, 300)}`]
      : []),
    ...(approval.runId ? [`  ${style.dim('run')}      ${approval.runId}`] : []),
    `  ${style.dim('asked')}    ${relative(approval.requestedAt, now)}, expires ${relative(approval.expiresAt, now)}`,
    ...(approval.decision
      ? [
          `  ${style.dim('decided')}  ${approval.decision.verdict} by ${plainLine(approval.decision.by)}, ${relative(approval.decision.at, now)}`,
        ]
      : []),
  ];
}
