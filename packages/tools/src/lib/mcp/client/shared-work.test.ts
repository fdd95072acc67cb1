import { describe, expect, it } from 'vitest';
import { shareWork } from './shared-work.ts';

describe('shareWork', () => {
  const manual = () => {
    const started: { readonly finish: (value: number) => void }[] = [];
    const shared = shareWork(() => new Promise<number>((resolve) => void started.push({ finish: resolve })));
    return { started, shared };
  };

  it('does the work once for all who wait, and anew for those who come later', async () => {
    const { started, shared } = manual();
    const { signal } = new AbortController();
    const both = Promise.all([shared.join(signal), shared.join(signal)]);
    started[0]?.finish(1);
    expect(await both).toEqual([1, 1]);
    const later = shared.join(signal);
    started[1]?.finish(2);
    expect(await later).toBe(2);
    expect(started).toHaveLength(2);
  });

  it('goes on while somebody waits', async () => {
    const { started, shared } = manual();
    const impatient = new AbortController();
    const first = shared.join(impatient.signal);
    const second = shared.join(new AbortController().signal);
    impatient.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    started[0]?.finish(1);
    expect(await second).toBe(1);
  });

  it('goes on when nobody waits, and the next caller gets its result', async () => {
    const { started, shared } = manual();
    const impatient = new AbortController();
    const first = shared.join(impatient.signal);
    impatient.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    const next = shared.join(new AbortController().signal);
    started[0]?.finish(2);
    expect(await next).toBe(2);
    expect(started).toHaveLength(1);
  });

  it('fails for all when the work fails', async () => {
    const shared = shareWork(() => Promise.reject(new Error('no')));
    const { signal } = new AbortController();
    await expect(Promise.allSettled([shared.join(signal), shared.join(signal)])).resolves.toMatchObject([
      { reason: { message: 'no' } },
      { reason: { message: 'no' } },
    ]);
  });
});
