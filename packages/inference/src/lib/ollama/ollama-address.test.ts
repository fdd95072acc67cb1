import { describe, expect, it } from 'vitest';
import { ollamaAddress } from './ollama-address.ts';

describe('ollamaAddress', () => {
  it.each([
    [undefined, 'http://127.0.0.1:11434'],
    ['', 'http://127.0.0.1:11434'],
    ['example.org', 'http://example.org:11434'],
    ['example.org:80', 'http://example.org'],
    [':9000', 'http://127.0.0.1:9000'],
    ['0.0.0.0:9000', 'http://127.0.0.1:9000'],
    ['https://models.example.org', 'https://models.example.org'],
    ['http://[::]:11434/', 'http://127.0.0.1:11434'],
  ])('%s is %s', (host, address) => {
    expect(ollamaAddress(host)).toBe(address);
  });
});
