import { GenieError } from '@genie/core/errors';
import type { AnswerPart, JournalRecord } from '@genie/core/journal';
import type { LanguageModel } from '@genie/core/ports';

type GenerateResult = Awaited<ReturnType<LanguageModel['doGenerate']>>;

/**
 * A model that gives the answers of a recorded run, one after the other, whatever it is asked. A journal keeps no prompts: a run with the
 * settings of then, on this model and the recorded tools, asks the same questions again, and {@link recordModel} around it writes them down.
 * Rejects with `GENIE_REPLAY_BUDGET` when the answers are used up.
 */
export function recordedAnswers(records: readonly JournalRecord[], like: LanguageModel): LanguageModel {
  const answers = records.filter((record) => record.kind === 'answer');
  let next = 0;
  const take = (): GenerateResult => {
    const answer = answers[next];
    next += 1;
    if (answer !== undefined) return toResult(answer);
    const message = `The recorded run had ${answers.length} model answers; there is no other one.`;
    throw new GenieError('GENIE_REPLAY_BUDGET', message);
  };
  const { specificationVersion, provider, modelId, supportedUrls } = like;
  return {
    specificationVersion,
    provider,
    modelId,
    supportedUrls,
    doGenerate: async () => take(),
    doStream: async () => {
      throw new GenieError('GENIE_REPLAY_BUDGET', 'Recorded answers are whole and cannot be streamed.');
    },
  };
}

function toResult({ content, finish, usage }: Extract<JournalRecord, { kind: 'answer' }>): GenerateResult {
  const { inputTokens, outputTokens, cachedInputTokens } = usage;
  const result = {
    content: content.map(toPart),
    finishReason: { unified: finish, raw: undefined },
    usage: {
      inputTokens: { total: inputTokens, noCache: undefined, cacheRead: cachedInputTokens, cacheWrite: undefined },
      outputTokens: { total: outputTokens, text: undefined, reasoning: undefined },
    },
    warnings: [],
  };
  // The journal's finish reasons are the contract's: they were written from such a result.
  return result as unknown as GenerateResult;
}

function toPart(part: AnswerPart): object {
  const metadata = part.metadata === undefined ? {} : { providerMetadata: part.metadata };
  if (part.type !== 'call') return { type: part.type, text: part.text, ...metadata };
  return { type: 'tool-call', toolCallId: part.id, toolName: part.tool, input: part.input, ...metadata };
}
