import { describe, expect, it } from 'vitest';
import type { Approval, Approvals } from '../approvals/approvals.ts';
import { createMemoryApprovals } from '../approvals/memory-approvals.ts';
import { createIds } from '../ports/ids.ts';
import { approvalsSuite } from './approvals-suite.ts';
import { runConformance } from './conformance.ts';
import { createManualClock } from './manual-clock.ts';

type Break = (approvals: Approvals, tools: Tools) => Partial<Approvals>;
interface Tools {
  readonly clock: ReturnType<typeof createManualClock>;
  /** A second, sound implementation that shares nothing. */
  readonly spare: Approvals;
}

const { request, consume, decide, get, list, wait } = delegates();

/** Broken implementations: what each breaks, and how. */
const mutants: Readonly<Record<string, Break>> = {
  'consumes twice': (sound) => ({
    consume: async (id, action) => (await consume(sound, id, action)) || (await get(sound, id))?.status === 'used',
  }),
  'consumes what is pending': (sound) => ({
    consume: async (id, action) => (await get(sound, id))?.status === 'pending' || consume(sound, id, action),
  }),
  'consumes what was denied': (sound) => ({
    consume: async (id, action) => (await get(sound, id))?.status === 'denied' || consume(sound, id, action),
  }),
  'does not check the hash': (sound) => ({
    consume: async (id, action) => consume(sound, id, (await get(sound, id))?.action ?? action),
  }),
  'a wrong action uses the row up': (sound) => ({
    async consume(id, action) {
      const isRight = await consume(sound, id, action);
      const row = await get(sound, id);
      if (!isRight && row?.status === 'allowed') await consume(sound, id, row.action);
      return isRight;
    },
  }),
  'lets an expired row be used': (sound) => ({
    consume: async (id, action) => (await get(sound, id))?.status === 'expired' || consume(sound, id, action),
  }),
  'lets an expired row be decided': (sound) => ({
    async decide(id, decision) {
      const row = await get(sound, id);
      if (row?.status === 'expired') return { ...row, status: 'allowed' };
      return decide(sound, id, decision);
    },
  }),
  'the second decision wins silently': (sound) => ({
    decide: (id, decision) =>
      decide(sound, id, decision).catch(async (error: unknown) => {
        const row = await get(sound, id);
        if ((error as { code?: string }).code === 'GENIE_APPROVAL_DECIDED' && row) return row;
        throw error;
      }),
  }),
  'forgets that a row expired when the clock goes back': (sound, { clock }) => ({
    async get(id) {
      const row = await get(sound, id);
      return row?.status === 'expired' && clock.now() < row.expiresAt ? { ...row, status: 'pending' } : row;
    },
  }),
  'expires what was decided in time': (sound, { clock }) => ({
    async get(id) {
      const row = await get(sound, id);
      return row?.status === 'allowed' && clock.now() >= row.expiresAt ? { ...row, status: 'expired' } : row;
    },
  }),
  'never expires': (sound) => ({ get: async (id) => unexpired(await get(sound, id)) }),
  'makes a new row for every request': (sound) => {
    let count = 0;
    return {
      request(input) {
        count += 1;
        return request(sound, { ...input, runId: `${input.runId ?? ''}#${count}` });
      },
    };
  },
  'shares a row between runs': (sound) => ({
    request: (input) => request(sound, { ...input, runId: 'any' }),
  }),
  'asks again within the run after a denial': (sound) => {
    let count = 0;
    return {
      async request(input) {
        const row = await request(sound, input);
        count += 1;
        return row.status === 'denied' && !row.byGrant ? request(sound, { ...input, runId: `${count}` }) : row;
      },
    };
  },
  'takes a denial for final without a run': (sound) => ({
    request: (input) => request(sound, { runId: 'always the same', ...input }),
  }),
  'a grant of another genie applies': (sound) => broadGrant(sound, (action) => ({ ...action, genieId: 'genie_a' })),
  'a grant of another kind applies': (sound) => broadGrant(sound, (action) => ({ ...action, kind: 'egress' })),
  'a grant covers subjects that begin alike': (sound) =>
    broadGrant(sound, (action) => ({ ...action, subject: action.subject.replace(/x$/, '') })),
  'an allow-always makes no grant': (sound) => ({
    decide: (id, decision) =>
      decide(sound, id, decision.verdict === 'allow-always' ? { ...decision, verdict: 'allow-once' } : decision),
  }),
  'a deny-always makes no grant': (sound) => ({
    decide: (id, decision) =>
      decide(sound, id, decision.verdict === 'deny-always' ? { ...decision, verdict: 'deny' } : decision),
  }),
  'every decision makes a grant': (sound) => ({
    decide: (id, decision) =>
      decide(sound, id, decision.verdict === 'allow-once' ? { ...decision, verdict: 'allow-always' } : decision),
  }),
  'grants never end': (sound) => ({
    grants: { ...sound.grants, add: ({ expiresAt: _expiresAt, ...grant }) => sound.grants.add(grant) },
  }),
  'revoking does nothing': (sound) => ({ grants: { ...sound.grants, revoke: async () => true } }),
  'a permission wins over a prohibition': (sound) => ({
    grants: {
      ...sound.grants,
      async add(grant) {
        const others = await sound.grants.list();
        if (grant.effect === 'deny' && others[0]) return others[0];
        return sound.grants.add(grant);
      },
    },
  }),
  'a grant leaves the waiting rows alone': (sound) => ({
    async get(id) {
      const row = await get(sound, id);
      return row?.byGrant && row.requestedAt === row.decision?.at ? { ...row, status: 'pending' } : row;
    },
  }),
  'accepts any grant': (sound, { spare }) => ({
    grants: {
      ...sound.grants,
      add: (grant) =>
        sound.grants
          .add(grant)
          .catch(() => spare.grants.add({ genieId: 'g', kind: 'tool', subject: 's', effect: 'deny' })),
    },
  }),
  'a denial outlives a later permission': (sound) => {
    const denied = new Map<string, Approval>();
    return {
      async request(input) {
        const row = denied.get(input.runId ?? '') ?? (await request(sound, input));
        if (row.status === 'denied' && input.runId) denied.set(input.runId, row);
        return row;
      },
    };
  },
  'keeps the payload by reference': (sound) => {
    const live = new Map<string, Approval['action']>();
    return {
      async request(input) {
        const row = await request(sound, input);
        live.set(row.id, input.action);
        return row;
      },
      async get(id) {
        const row = await get(sound, id);
        return row && { ...row, action: live.get(id) ?? row.action };
      },
    };
  },
  'stores whatever JSON makes of it': (sound) => ({
    request: (input) => request(sound, { ...input, ...(JSON.parse(JSON.stringify(input)) as typeof input) }),
  }),
  'accepts any decision': (sound) => ({
    decide: async (id, decision) =>
      decide(sound, id, decision).catch(async (error: unknown) => {
        if ((error as { code?: string }).code !== 'GENIE_APPROVAL_INPUT') throw error;
        return (await get(sound, id)) as Approval;
      }),
  }),
  'throws away the edited part': (sound) => ({
    decide: (id, { edited: _edited, ...decision }) => decide(sound, id, decision),
  }),
  'lists the newest first': (sound) => ({
    list: async (filter) => [...(await list(sound, filter))].reverse(),
  }),
  'ignores the filter': (sound) => ({ list: () => list(sound) }),
  'a hash that leaves the payload out': (sound) => ({
    request: async (input) => ({ ...(await request(sound, input)), actionHash: input.action.subject }),
  }),
  'asks although the caller has stopped': (sound) => ({ request: (input) => request(sound, input) }),
  'answers the next request with the used row': (sound) => {
    const first = new Map<string, string>();
    return {
      async request(input) {
        const key = JSON.stringify([input.action, input.runId]);
        const known = first.get(key);
        const row = (known && (await get(sound, known))) || (await request(sound, input));
        first.set(key, row.id);
        return row;
      },
    };
  },
  'makes two rows of two requests at once': (sound) => {
    let open = 0;
    return {
      async request(input) {
        open += 1;
        const row = await request(sound, open > 1 ? { ...input, runId: `${input.runId}#${open}` } : input);
        open -= 1;
        return row;
      },
    };
  },
  'lets two consumers win at once': (sound) => {
    const first = new Map<string, Promise<boolean>>();
    return {
      async consume(id, action) {
        const running = first.get(id);
        if (running !== undefined) return running;
        const work = consume(sound, id, action);
        first.set(id, work);
        return work.finally(() => first.delete(id));
      },
    };
  },
  'throws on an unknown id instead of finding nothing': (sound) => ({
    async get(id) {
      const row = await get(sound, id);
      if (!row) throw new Error('no such row');
      return row;
    },
  }),
  'a wait never ends': () => ({ wait: () => new Promise(() => undefined) }),
  'a wait does not notice the expiry': (sound) => ({
    async wait(id, options) {
      const row = await wait(sound, id, options);
      return row.status === 'expired' ? { ...row, status: 'pending' } : row;
    },
  }),
  'a wait ends at once': (sound) => ({ wait: async (id) => (await get(sound, id)) ?? wait(sound, id) }),
  'a wait cannot be stopped': (sound) => ({ wait: (id) => wait(sound, id) }),
  'closing leaves waiters hanging': () => ({ close: async () => undefined }),
};

describe('approvalsSuite', () => {
  it('is passed by the memory approvals, which say that they are not durable', async () => {
    const report = await runConformance(approvalsSuite, create());
    expect(report.results.filter((result) => result.status === 'failed')).toEqual([]);
    expect(report.results.filter((result) => result.status === 'unsupported')).toHaveLength(3);
  });

  const caught = new Set<string>();
  it.each(Object.keys(mutants))('catches: %s', async (name) => {
    const report = await runConformance(approvalsSuite, create(mutants[name]), { timeoutMs: 200 });
    const failed = report.results.filter((result) => result.status === 'failed').map((result) => result.name);
    for (const one of failed) caught.add(one);
    expect(failed).not.toEqual([]);
  });

  it('has no case without a mutant that it catches', () => {
    const isLocal = (name: string): boolean =>
      approvalsSuite.cases.some((one) => one.name === name && one.requires === undefined);
    const idle = approvalsSuite.cases.map((one) => one.name).filter((name) => isLocal(name) && !caught.has(name));
    expect(idle).toEqual([]);
  });
});

function create(mutate?: Break) {
  return async () => {
    const clock = createManualClock();
    const make = (): Approvals => createMemoryApprovals({ clock, ids: createIds(clock) });
    const sound = make();
    const broken = mutate?.(sound, { clock, spare: make() }) ?? {};
    const approvals: Approvals = {
      request: (...rest) => sound.request(...rest),
      decide: (...rest) => sound.decide(...rest),
      consume: (...rest) => sound.consume(...rest),
      get: (...rest) => sound.get(...rest),
      list: (...rest) => sound.list(...rest),
      wait: (...rest) => sound.wait(...rest),
      grants: sound.grants,
      close: () => sound.close(),
      ...broken,
    };
    return { setup: { approvals, clock }, close: () => sound.close() };
  };
}

/** `Approvals` methods as functions of the sound implementation, without the options that a mutant does not pass on. */
function delegates() {
  return {
    request: (sound: Approvals, ...rest: Parameters<Approvals['request']>) => sound.request(...rest),
    decide: (sound: Approvals, ...rest: Parameters<Approvals['decide']>) => sound.decide(...rest),
    consume: (sound: Approvals, ...rest: Parameters<Approvals['consume']>) => sound.consume(...rest),
    get: (sound: Approvals, ...rest: Parameters<Approvals['get']>) => sound.get(...rest),
    list: (sound: Approvals, ...rest: Parameters<Approvals['list']>) => sound.list(...rest),
    wait: (sound: Approvals, ...rest: Parameters<Approvals['wait']>) => sound.wait(...rest),
  };
}

/** Looks for grants as if the action were another one. */
function broadGrant(sound: Approvals, widen: (action: Approval['action']) => Approval['action']): Partial<Approvals> {
  return {
    async request(input) {
      const row = await request(sound, input);
      const { genieId, kind, subject } = widen(input.action);
      const grants = await sound.grants.list();
      const grant = grants.find((one) => one.genieId === genieId && one.kind === kind && one.subject === subject);
      return grant && row.status === 'pending' ? { ...row, status: 'allowed', byGrant: true } : row;
    },
  };
}

function unexpired(row: Approval | undefined): Approval | undefined {
  return row?.status === 'expired' ? { ...row, status: 'pending' } : row;
}
