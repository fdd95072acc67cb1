import { type Approvals, canonicalJson, type JsonObject } from '@genie/core/ports';
import { sha256 } from '../sha256.ts';

/** A tool as the server describes it, cleaned. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly annotations: JsonObject;
}

/** Hash of everything that a model and a user go by. */
export function pinOf(tool: OfferedTool): string {
  const { name, description, inputSchema, annotations } = tool;
  return sha256(canonicalJson({ name, description, inputSchema, annotations }));
}

export interface PinDecision {
  /** The tools that may be offered, and their pins. */
  readonly accepted: Readonly<Record<string, string>>;
  /** Tools that wait for the user; without an id there is nobody to ask. */
  readonly waiting: readonly { readonly name: string; readonly pin: string; readonly approvalId?: string }[];
}

export interface PinRequest {
  readonly server: string;
  readonly genieId: string;
  readonly tools: readonly OfferedTool[];
  /** Undefined at the first connection: adding the server accepted what it offers then. */
  readonly pins: Readonly<Record<string, string>> | undefined;
  readonly approvals: Approvals | undefined;
  /** Pins that the user refused; not asked again. */
  readonly refused: ReadonlySet<string>;
  /** Pins that the user is being asked about; those asked about now are added. */
  readonly asked: Set<string>;
  /** Most of them at a time: a server that changes all the time must not fill the user's list. */
  readonly maxAsked: number;
  readonly signal: AbortSignal;
}

/**
 * Compares what a server offers with what the user accepted. A tool that is new or reads differently waits for an
 * approval of kind `mcp`, bound to the exact text; without approvals it stays withheld.
 */
export async function decidePins(request: PinRequest): Promise<PinDecision> {
  const accepted: Record<string, string> = {};
  const waiting: PinDecision['waiting'][number][] = [];
  for (const tool of request.tools) {
    const pin = pinOf(tool);
    const known =
      request.pins === undefined || (Object.hasOwn(request.pins, tool.name) && request.pins[tool.name] === pin);
    const mayAsk = !request.refused.has(pin) && (request.asked.has(pin) || request.asked.size < request.maxAsked);
    const answer = known || !mayAsk ? undefined : await askFor(request, tool, pin);
    if (known || answer === 'allowed') accepted[tool.name] = pin;
    else waiting.push({ name: tool.name, pin, ...(answer === undefined ? {} : { approvalId: answer.id }) });
  }
  return { accepted, waiting };
}

/** Undefined when there is nobody to ask. */
async function askFor(
  request: PinRequest,
  tool: OfferedTool,
  pin: string,
): Promise<'allowed' | { readonly id: string } | undefined> {
  const { approvals, server, signal } = request;
  if (!approvals) return undefined;
  request.asked.add(pin);
  const action = {
    kind: 'mcp' as const,
    genieId: request.genieId,
    subject: `mcp:${server}:${tool.name}:${pin.slice(0, 16)}`,
    payload: { server, tool: tool.name, description: tool.description, inputSchema: tool.inputSchema, pin },
  };
  const before = request.pins && Object.hasOwn(request.pins, tool.name);
  const title = before
    ? `The server ${server} changed its tool ${tool.name}: use it as it is now?`
    : `The server ${server} offers a new tool, ${tool.name}: use it?`;
  const claim = tool.description.slice(0, 500) || tool.name;
  const row = await approvals.request({ action, title, claim }, { signal });
  if (row.status === 'allowed' && (await approvals.consume(row.id, action, { signal }))) return 'allowed';
  return { id: row.id };
}
