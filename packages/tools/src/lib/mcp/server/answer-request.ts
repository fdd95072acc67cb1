import type { JsonObject } from '@genie/core';
import { describeThrown } from '@genie/core/errors';
import { type InputRequiredResult, inputRequired, ProtocolError } from '@modelcontextprotocol/server';
import { rpcPart } from '../mcp-errors.ts';
import type { McpCallContext } from './call-context.ts';
import { AnswersMissing, questionToWire } from './question.ts';
import { type RequestParts, toCallContext } from './sdk-context.ts';

export type RequestBasics = Omit<RequestParts, 'answers'>;

/**
 * Runs a handler with the answers of all rounds so far. A question without an answer becomes an `input_required`
 * result; the state that comes back with the next round holds the earlier answers. Errors with a JSON-RPC part go to
 * the client as such.
 */
export async function answerRequest<Result>(
  basics: RequestBasics,
  target: unknown,
  handle: (context: McpCallContext) => Promise<Result>,
): Promise<Result | InputRequiredResult> {
  const { definition, request } = basics;
  const stateRequest = { method: request.mcpReq.method, target };
  try {
    const state = request.mcpReq.requestState<string>();
    const earlier = state === undefined ? {} : definition.states.open(stateRequest, state);
    const answers: JsonObject = { ...earlier, ...(request.mcpReq.inputResponses as JsonObject | undefined) };
    try {
      return await handle(toCallContext({ ...basics, answers }));
    } catch (error) {
      if (!(error instanceof AnswersMissing)) throw error;
      const wire = Object.entries(error.questions).map(([key, question]) => [key, questionToWire(question)]);
      return inputRequired({
        inputRequests: Object.fromEntries(wire),
        requestState: definition.states.seal(stateRequest, keepAnswers(answers, Object.keys(error.questions))),
      });
    }
  } catch (error) {
    const rpc = rpcPart(error);
    throw rpc ? new ProtocolError(rpc.code, describeThrown(error), rpc.data) : error;
  }
}

/** Malformed answers are asked again, so they need not travel. */
function keepAnswers(answers: JsonObject, open: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(answers).filter(([key]) => !open.includes(key)));
}
