import { describe, expect, it } from 'vitest';
import { modelHosts, toEntry } from './model-hosts.ts';

describe('modelHosts', () => {
  it.each([
    [['offline'], {}, []],
    [['anthropic/x', 'openai/y', undefined], {}, ['api.anthropic.com', 'api.openai.com']],
    [['ollama/x'], { environment: {} }, ['127.0.0.1:11434']],
    [['ollama/x'], { environment: { OLLAMA_HOST: 'models.lan' } }, ['models.lan:11434']],
    [['ollama/x'], { environment: { OLLAMA_HOST: 'http://models.lan' } }, ['models.lan:80']],
    [['openai-compatible/x'], { baseUrl: 'http://127.0.0.1:8080/v1' }, ['127.0.0.1:8080']],
    [['google/x'], { baseUrl: 'https://proxy.example.com' }, ['proxy.example.com:443']],
    [['openai-compatible/x'], {}, []],
  ] as const)('allows for %j with %j the hosts %j and no other', (references, options, hosts) => {
    expect(modelHosts(references, { environment: {}, ...options })).toEqual(hosts);
  });

  it('writes the port out', () => {
    expect(toEntry('https://example.com/x')).toBe('example.com:443');
    expect(toEntry('http://[::1]:9/x')).toBe('[::1]:9');
  });
});
