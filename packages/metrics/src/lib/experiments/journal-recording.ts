import type { JournalRecord } from '@genie/core/journal';
import { type JsonValue, parseJson, type Toolbox } from '@genie/core/ports';
import { createRecording, type Recording, toolKey } from './recording.ts';

/**
 * The tool results of a recorded run, from its journal, for {@link createReplay}. Arguments are validated by the tools of the toolbox first,
 * because that is what a tool is called with; results of tools that are gone are left out. A journal keeps no prompts, so model answers
 * are not in it: they come from {@link recordModel}, or live.
 */
export async function recordingFromJournal(records: readonly JournalRecord[], toolbox: Toolbox): Promise<Recording> {
  const recording = createRecording();
  const calls = new Map<string, { readonly tool: string; readonly input: string }>();
  for (const record of records) {
    if (record.kind === 'answer') {
      for (const part of record.content) if (part.type === 'call') calls.set(part.id, part);
    }
    if (record.kind !== 'result' || record.status === 'denied') continue;
    const call = calls.get(record.callId);
    const key = call === undefined ? undefined : await keyOf(call, toolbox);
    if (key === undefined) continue;
    const entry =
      record.status === 'completed'
        ? { output: record.output ?? null }
        : { error: record.error?.message ?? 'the call failed' };
    recording.tools[key] = [...(recording.tools[key] ?? []), entry];
  }
  return recording;
}

async function keyOf(
  call: { readonly tool: string; readonly input: string },
  toolbox: Toolbox,
): Promise<string | undefined> {
  const tool = toolbox.get(call.tool);
  if (tool === undefined) return undefined;
  const raw = tryParse(call.input);
  const validated = raw === undefined ? undefined : await tool.input['~standard'].validate(raw);
  return validated === undefined || validated.issues !== undefined ? undefined : toolKey(call.tool, validated.value);
}

function tryParse(text: string): JsonValue | undefined {
  try {
    return parseJson(text === '' ? '{}' : text) as JsonValue;
  } catch {
    return undefined;
  }
}
