import { describe, expect, it } from 'vitest';
import { loadLlamaLibrary } from '../worker/llama-library.ts';
import { loadPeer, providers } from './providers.ts';

describe('a provider whose package is not installed', () => {
  it('names the command that installs it', async () => {
    const missing = 'no-such-package-of-a-provider';
    for (const name of ['anthropic', 'openai', 'google', 'openai-compatible'] as const) {
      await expect(loadPeer(name, 'm', () => import(missing))).rejects.toMatchObject({
        code: 'GENIE_MODEL_PEER_MISSING',
        message: expect.stringContaining(`npm install ${providers[name].packageName}`),
      });
    }
    await expect(loadLlamaLibrary('no-such-package-of-llama')).rejects.toMatchObject({
      code: 'GENIE_MODEL_PEER_MISSING',
      message: expect.stringContaining('npm install node-llama-cpp@'),
    });
  });

  it('does not hide other failures of the import', async () => {
    const broken = new Error('the package is broken');
    await expect(loadPeer('openai', 'm', () => Promise.reject(broken))).rejects.toBe(broken);
  });
});
