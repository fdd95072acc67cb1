import { createIds, type Grant } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { createGrantBook, type GrantBook, subjectOf } from './grant-book.ts';
import { createMemoryGrants } from './memory-grants.ts';

const place = { host: 'new.test', port: 443, methodClass: 'read' } as const;

function open() {
  const clock = fixedClock();
  const grants = createMemoryGrants(clock, createIds(clock));
  const add = (genieId: string, effect: Grant['effect'], expiresAt?: number): Promise<Grant> =>
    grants.add({
      genieId,
      kind: 'egress',
      subject: subjectOf(place),
      effect,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
  const book: GrantBook = createGrantBook(grants, clock);
  return { clock, grants, add, book };
}

describe('createGrantBook', () => {
  it.each(['allow', 'deny'] as const)(
    'does not let what the user said to one genie (%s) count for another',
    async (effect) => {
      const { add, book } = open();
      const grant = await add('mine', effect);
      expect(await book.find({ ...place, genieId: 'other' })).toBeUndefined();
      expect(await book.find({ ...place, genieId: 'mine' })).toEqual(grant);
    },
  );

  it('asks a prohibition first, in whatever order the two were given', async () => {
    const { add, book } = open();
    await add('mine', 'allow');
    const denied = await add('mine', 'deny');
    expect(await book.find({ ...place, genieId: 'mine' })).toEqual(denied);
    expect(await book.isValid(denied.id)).toBe(false);
  });

  it('is over with the time of the grant, and takes it out of the store', async () => {
    const { add, book, clock, grants } = open();
    const grant = await add('mine', 'allow', clock.now() + 1_000);
    expect(await book.isValid(grant.id)).toBe(true);
    clock.advance(1_000);
    expect(await book.isValid(grant.id)).toBe(false);
    expect(await grants.list()).toEqual([]);
  });
});
