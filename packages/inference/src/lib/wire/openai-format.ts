import { scenarioFacts } from '../conformance/model-suite.ts';
import { openaiErrors } from './openai-errors.ts';
import { event, half, halves, saysStream, words } from './wire-parts.ts';
import type { WireFormat } from './wire-server.ts';

const { text, calls, inputTokens, outputTokens } = scenarioFacts;

/** OpenAI Responses (https://platform.openai.com/docs/api-reference/responses-streaming). */
export const openaiFormat: WireFormat = (() => {
  const usage = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
  const response = {
    id: 'resp_1',
    object: 'response',
    created_at: 1_700_000_000,
    model: 'm',
    status: 'completed',
    error: null,
    incomplete_details: null,
  };
  const item = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [] }],
  };
  const callItem = (index: number) => ({
    type: 'function_call',
    id: `fc_${index}`,
    call_id: `call_${index}`,
    name: 'lookup',
    arguments: JSON.stringify(calls[index]),
    status: 'completed',
  });
  const begin = event({
    type: 'response.created',
    response: { ...response, status: 'in_progress', output: [] },
  } as never);
  const added = (index: number, value: object) =>
    event({ type: 'response.output_item.added', output_index: index, item: value } as never);
  const done = (index: number, value: object) =>
    event({ type: 'response.output_item.done', output_index: index, item: value } as never);
  const delta = (piece: string) =>
    event({
      type: 'response.output_text.delta',
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: piece,
    } as never);
  const end = (output: readonly object[]) =>
    event({ type: 'response.completed', response: { ...response, output, usage } } as never);
  return {
    streamType: 'text/event-stream',
    isStream: saysStream,
    text: {
      whole: { ...response, output: [item], usage },
      pieces: [
        begin,
        added(0, { ...item, content: [], status: 'in_progress' }),
        ...words.map(delta),
        done(0, item),
        end([item]),
      ],
    },
    toolCalls: {
      whole: { ...response, output: [callItem(0), callItem(1)], usage },
      pieces: [
        begin,
        ...[0, 1].flatMap((index) => [
          added(index, { ...callItem(index), arguments: '', status: 'in_progress' }),
          ...halves(callItem(index).arguments).map((piece) =>
            event({
              type: 'response.function_call_arguments.delta',
              item_id: `fc_${index}`,
              output_index: index,
              delta: piece,
            } as never),
          ),
          done(index, callItem(index)),
        ]),
        end([callItem(0), callItem(1)]),
      ],
    },
    beginning: [begin, added(0, { ...item, content: [], status: 'in_progress' }), ...half.map(delta)],
    errorInStream: event({
      type: 'error',
      sequence_number: 9,
      error: {
        type: 'server_error',
        code: 'server_overloaded',
        message: 'The engine is currently overloaded',
        param: null,
      },
    } as never),
    error: (kind) => ({ status: openaiErrors[kind][0], body: openaiErrors[kind][1] }),
  };
})();
