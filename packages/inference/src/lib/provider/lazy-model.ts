import type {
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { GenieError } from '@genie/core/errors';
import type { LanguageModel } from '@genie/core/ports';
import { classifyFailure } from '../failure/classify-failure.ts';
import { type ModelFailure, toModelError } from '../failure/model-failure.ts';
import type { Redact } from './redact.ts';

export interface LazyModelOptions {
  readonly provider: string;
  readonly modelId: string;
  /** Loads and creates the real model; called at most once unless it fails. */
  readonly load: () => Promise<LanguageModel>;
  readonly redact: Redact;
}

/**
 * A model whose package is loaded by the first call. Every failure, also one in the middle of a stream, becomes a coded error without
 * keys and without the request; an approval that is pending and an abort pass through as they are.
 */
export function createLazyModel({ provider, modelId, load, redact }: LazyModelOptions): LanguageModel {
  let loading: Promise<LanguageModel> | undefined;
  const real = () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  const id = `${provider}/${modelId}`;
  const fail = (error: unknown, signal: AbortSignal | undefined) => toSafeError(error, id, redact, signal);
  return {
    specificationVersion: 'v4',
    provider,
    modelId,
    get supportedUrls() {
      return real().then((model) => model.supportedUrls);
    },
    async doGenerate(options: LanguageModelV4CallOptions) {
      options.abortSignal?.throwIfAborted();
      try {
        const result = await (await real()).doGenerate(options);
        if (isEmpty(result)) throw toModelError({ kind: 'bad-output', message: 'the answer is empty' }, id);
        return result;
      } catch (error) {
        throw fail(error, options.abortSignal);
      }
    },
    async doStream(options: LanguageModelV4CallOptions) {
      options.abortSignal?.throwIfAborted();
      try {
        const result = await (await real()).doStream(options);
        return { ...result, stream: guardStream(result.stream, (error) => fail(error, options.abortSignal)) };
      } catch (error) {
        throw fail(error, options.abortSignal);
      }
    },
  };
}

/** Some providers read a body of another form as an answer without content, end or usage. */
function isEmpty({ content, finishReason, usage }: LanguageModelV4GenerateResult): boolean {
  return content.length === 0 && finishReason.raw === undefined && usage.outputTokens.total === undefined;
}

function toSafeError(error: unknown, id: string, redact: Redact, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  const failure = classifyFailure(error);
  const passes = failure.kind === 'approval-required' || failure.kind === 'egress-denied' || failure.kind === 'aborted';
  if (passes && failure.original !== undefined) return failure.original;
  if (GenieError.isInstance(failure.original)) return redacted(failure.original, redact);
  return toModelError({ ...failure, message: redact(failure.message) }, id);
}

function redacted(error: GenieError, redact: Redact): GenieError {
  const message = redact(error.message);
  if (message === error.message) return error;
  return new GenieError(error.code, message, error.details ? { details: error.details } : {});
}

/** Maps errors of a stream, ends it at the first one, and turns an end without `finish` into an error. */
export function guardStream(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  fail: (error: unknown) => unknown,
): ReadableStream<LanguageModelV4StreamPart> {
  const reader = stream.getReader();
  let finished = false;
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            if (!finished) controller.enqueue({ type: 'error', error: fail(brokenStream()) });
            controller.close();
          } else if (value.type === 'error') {
            controller.enqueue({ type: 'error', error: fail(value.error) });
            controller.close();
            await reader.cancel();
          } else if (
            value.type === 'finish' &&
            (value.finishReason.unified === 'interrupted' || value.finishReason.unified === 'error')
          ) {
            finished = true;
            controller.enqueue({ type: 'error', error: fail(brokenStream()) });
          } else {
            finished ||= value.type === 'finish';
            controller.enqueue(value);
          }
        } catch (error) {
          controller.enqueue({ type: 'error', error: fail(error) });
          controller.close();
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function brokenStream(): GenieError {
  const failure: ModelFailure = { kind: 'stream-broken', message: 'the stream ended before the answer did' };
  return toModelError(failure, 'stream');
}
