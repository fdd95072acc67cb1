import { describe, expect, it } from 'vitest';
import { loadPeer } from './load-peer.ts';

describe('loadPeer', () => {
  it('names the command that installs what is missing, and lets other failures through', async () => {
    const missing = 'genie-has-no-such-package';
    await expect(loadPeer(missing, '^1.0.0', () => import(/* @vite-ignore */ missing))).rejects.toMatchObject({
      code: 'GENIE_ADAPTER_PEER',
      message: expect.stringContaining(`npm install ${missing}@^1.0.0`),
    });
    await expect(loadPeer('x', '1', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await loadPeer('x', '1', async () => 5)).toBe(5);
  });
});
