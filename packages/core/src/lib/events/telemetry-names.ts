/**
 * Names of the OpenTelemetry semantic conventions for generative AI
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/), pinned here because that page still changes: dashboards built on our
 * spans keep working until a release of ours says otherwise.
 */
export const genAi = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  agentId: 'gen_ai.agent.id',
  agentName: 'gen_ai.agent.name',
  conversationId: 'gen_ai.conversation.id',
  requestModel: 'gen_ai.request.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  toolName: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  toolType: 'gen_ai.tool.type',
  errorType: 'error.type',
} as const;

/** What the conventions have no name for. */
export const genieNames = {
  trigger: 'genie.run.trigger',
  status: 'genie.run.status',
  resumed: 'genie.run.resumed',
  wakeReason: 'genie.run.wake_reason',
  outcome: 'genie.run.outcome',
  step: 'genie.step',
  costUsd: 'genie.cost.usd',
  effect: 'genie.tool.effect',
} as const;
