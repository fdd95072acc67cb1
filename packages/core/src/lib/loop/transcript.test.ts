import { describe, expect, it } from 'vitest';
import { Transcript } from './transcript.ts';

describe('Transcript', () => {
  it('gives arguments back to the provider as objects, broken ones as the text they were', () => {
    const transcript = new Transcript([{ role: 'user', content: 'go' }]);
    transcript.addAnswer([
      { type: 'reasoning', text: 'hm', metadata: { vendor: { signature: 's' } } },
      { type: 'call', id: '1', tool: 'a', input: '{"x":1}' },
      { type: 'call', id: '2', tool: 'a', input: '' },
      { type: 'call', id: '3', tool: 'a', input: '{"x":' },
      { type: 'call', id: '4', tool: 'a', input: '{"__proto__":{"x":1},"y":2}' },
    ]);
    expect(transcript.messages[1]?.content).toEqual([
      { type: 'reasoning', text: 'hm', providerOptions: { vendor: { signature: 's' } } },
      ...[{ x: 1 }, {}, { unreadable: '{"x":' }, { y: 2 }].map((input, index) => ({
        type: 'tool-call',
        toolCallId: String(index + 1),
        toolName: 'a',
        input,
      })),
    ]);
  });

  it('counts results by what the model reads, JSON as well as text', () => {
    const transcript = new Transcript([{ role: 'user', content: 'x'.repeat(40) }]);
    expect(transcript.estimatedTokens).toBe(10);
    const output = { list: Array.from({ length: 1_000 }, (_, index) => index) };
    transcript.addResults([
      { callId: '1', tool: 'list', outcome: { status: 'completed', output }, outputText: JSON.stringify(output) },
    ]);
    expect(transcript.estimatedTokens).toBeGreaterThan(900);
  });

  it('shows denied calls as denied', () => {
    const transcript = new Transcript([]);
    const error = { code: 'GENIE_APPROVAL_DENIED', message: 'the user said no' } as const;
    transcript.addResults([
      { callId: '1', tool: 'send', outcome: { status: 'denied', error }, outputText: error.message },
    ]);
    expect(transcript.messages[0]?.content).toMatchObject([
      { output: { type: 'execution-denied', reason: 'the user said no' } },
    ]);
  });
});
