/**
 * True for texts that belong to the machinery and not to anybody's life: system prompts, tool schemas, tool-call markup. Learning skips
 * them, so that a prompt cannot come back as a memory. What a person writes is kept even when it gives orders; it is data then.
 */
export function isMachineText(text: string): boolean {
  const head = text.trimStart().slice(0, 2_000);
  if (/^(<\|?(system|im_start|tool_call|function_calls)\b|\[?(system|developer) (prompt|message)\]?\s*:)/i.test(head))
    return true;
  if (/^you are (an?|the) [\w -]{0,60}(assistant|agent|model|ai)\b/i.test(head)) return true;
  return (
    /^[[{]/.test(head) &&
    /"(input_?schema|parameters|properties)"\s*:/i.test(head) &&
    /"type"\s*:\s*"(object|function)"/.test(head)
  );
}
