import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskCommand } from './mask-command.ts';

describe('maskCommand', () => {
  it.each([
    ['curl https://ada:s3cret@example.com/a?key=s3cret', 'curl https://***@example.com/a?***'],
    [`curl -H "Authorization: Bearer s3cret" https://example.com`, 'curl -H *** https://example.com'],
    [`curl --header='X-Key: s3cret' https://example.com`, 'curl --header=*** https://example.com'],
    ['curl -us3cret:s3cret -d s3cret example.com', 'curl -u*** -d *** example.com'],
    ['curl --data-binary s3cret --json {"s3cret":1} x', 'curl --data-binary *** --json *** x'],
    ['API_TOKEN=s3cret curl example.com', 'API_TOKEN=*** curl example.com'],
    ['curl example.com/bot/ghp_s3cretAbCdEfGhIjKlMn', 'curl example.com/bot/***'],
    ['git log --oneline | wc -l', 'git log --oneline | wc -l'],
    ['npm install some-quite-long-package-name', 'npm install some-quite-long-package-name'],
  ])('%s', (command, masked) => {
    expect(maskCommand(command)).toBe(masked);
    expect(maskCommand(command)).not.toContain('s3cret');
  });

  it('stays short and quick, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        expect(maskCommand(`curl -H '${text}`).length).toBeLessThanOrEqual(300);
      }),
    );
    expect(maskCommand(`-H "${'\\'.repeat(100_000)}`).length).toBeLessThanOrEqual(300);
  });
});
