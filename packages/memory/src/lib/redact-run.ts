import type { JsonObject, JsonValue } from '@genie/core/ports';

export interface Redaction {
  readonly gone: ReadonlySet<string>;
  readonly isGone: (text: string) => boolean;
}

/** Free text of the run goes whole, since a model may have said the forgotten thing in other words; numbers and names of tools stay. */
export function redactRun(run: JsonValue, { gone, isGone }: Redaction): JsonValue {
  const record = run as JsonObject;
  const briefing = record.briefing as JsonObject | undefined;
  const items = (briefing?.items as JsonObject[] | undefined)?.filter(
    (item) => !gone.has(String(item.id)) && !isGone(String(item.text)),
  );
  const calls = (record.toolCalls as JsonObject[] | undefined) ?? [];
  const trigger = record.trigger as JsonObject | undefined;
  return {
    ...record,
    text: '',
    ...(trigger?.kind === 'message'
      ? { trigger: { ...trigger, text: isGone(String(trigger.text)) ? '' : (trigger.text ?? '') } }
      : {}),
    ...(briefing ? { briefing: { ...briefing, markdown: '', items: items ?? [] } } : {}),
    toolCalls: calls.map((call) => ({ ...call, input: {}, outputText: '' })),
    redacted: true,
  };
}
