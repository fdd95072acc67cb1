import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { BusMessage, MessageBus } from '@genie/core/ports';

/**
 * What a case of the bus suite gets: a bus without messages. Its domain is `suite`, and its catalogue takes every subject below
 * `suite.case.` with a payload that is an object, and refuses `suite.case.thing.forbidden`. Its `retryDelayMs` is at most 50.
 */
export interface BusSetup {
  readonly bus: MessageBus;
  /** Another process on the same bus. Within one process the capability `shared` is missing. */
  readonly another?: () => Promise<MessageBus>;
  /** With `shared`: ends a bus of `another` as the death of its process would, without goodbye. */
  readonly kill?: (bus: MessageBus) => Promise<void>;
  /** With `shared`: how long a lost process counts as present, and how long its messages wait, in ms. */
  readonly silenceMs?: number;
}

type Case = ConformanceCase<BusSetup>;

const subject = 'suite.case.thing.made';

function message(
  id: string,
  changes: Partial<BusMessage> = {},
): { id: string; subject: string; payload: BusMessage['payload'] } {
  return { id, subject, payload: { n: id }, ...changes };
}

async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await pause(10);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const ids = (messages: readonly BusMessage[]): string[] => messages.map(({ id }) => id);

const delivering: readonly Case[] = [
  {
    name: 'a message comes as it was sent, once, to every subscriber without a name',
    async run({ bus }) {
      const first: BusMessage[] = [];
      const second: BusMessage[] = [];
      await bus.subscribe({ subject: 'suite.>' }, (one) => void first.push(one));
      await bus.subscribe({ subject }, (one) => void second.push(one));
      const payload = { text: 'größe 🧞 \u2028 nul \u0000 lone \ud800', list: [1, null, { deep: true }] };
      expectEqual(await bus.publish(message('1', { payload })), true, 'whether it is new');
      await until(() => first.length > 0 && second.length > 0, 'the message');
      await pause(100);
      expectEqual([ids(first), ids(second)], [['1'], ['1']], 'ids');
      const { subject: sent, payload: got, attempt, at } = first[0] as BusMessage;
      expectEqual([sent, got, attempt], [subject, payload, 1], 'subject, payload and attempt');
      expectThat(Math.abs(at - Date.now()) < 3_600_000, 'the time is epoch ms');
    },
  },
  {
    name: 'patterns select by word and by rest',
    async run({ bus }) {
      const seen: Record<string, string[]> = {};
      for (const pattern of ['suite.case.*.made', 'suite.case.thing.*', 'suite.case.>', subject]) {
        const list: string[] = [];
        seen[pattern] = list;
        await bus.subscribe({ subject: pattern }, (one) => void list.push(one.subject));
      }
      for (const [id, to] of ['suite.case.thing.made', 'suite.case.thing.gone', 'suite.case.other.made'].entries())
        await bus.publish(message(`${id}`, { subject: to }));
      await until(() => (seen['suite.case.>']?.length ?? 0) === 3, 'three messages');
      await pause(100);
      expectEqual(
        Object.values(seen).map((list) => list.length),
        [2, 2, 3, 1],
        'messages by pattern',
      );
    },
  },
  {
    name: 'the same id is delivered once, however often it is sent',
    async run({ bus }) {
      const seen: BusMessage[] = [];
      await bus.subscribe({ subject }, (one) => void seen.push(one));
      const answers = await Promise.all(Array.from({ length: 8 }, () => bus.publish(message('same'))));
      expectEqual(answers.filter(Boolean).length, 1, 'publications that were new');
      await bus.publish(message('other'));
      await until(() => seen.length >= 2, 'both messages');
      await pause(100);
      expectEqual(ids(seen).sort(), ['other', 'same'], 'ids');
    },
  },
  {
    name: 'messages of one publisher come in their order when one is handled at a time',
    async run({ bus }) {
      const seen: BusMessage[] = [];
      await bus.subscribe({ subject, concurrency: 1 }, async (one) => {
        await pause(Math.random() * 3);
        seen.push(one);
      });
      for (let index = 0; index < 20; index += 1) await bus.publish(message(`${index}`));
      await until(() => seen.length === 20, 'all messages');
      expectEqual(
        ids(seen),
        Array.from({ length: 20 }, (_, index) => `${index}`),
        'order',
      );
    },
  },
  {
    name: 'an ended subscription gets nothing more',
    async run({ bus }) {
      const seen: BusMessage[] = [];
      const end = await bus.subscribe({ subject }, (one) => void seen.push(one));
      await bus.publish(message('before'));
      await until(() => seen.length === 1, 'the first message');
      await end();
      await end();
      await bus.publish(message('after'));
      await pause(150);
      expectEqual(ids(seen), ['before'], 'ids');
    },
  },
];

const failing: readonly Case[] = [
  {
    name: 'a message whose handler fails comes again, with its number, until it is handled',
    async run({ bus }) {
      const attempts: number[] = [];
      await bus.subscribe({ subject, durable: 'worker' }, async ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error('not yet');
      });
      await bus.publish(message('1'));
      await until(() => attempts.length >= 3, 'the third attempt');
      await pause(300);
      expectEqual(attempts, [1, 2, 3], 'attempts');
      expectEqual(await bus.deadLetters(), [], 'dead letters');
    },
  },
  {
    name: 'a message that nobody can handle becomes a dead letter and holds nobody up',
    async run({ bus }) {
      const seen: string[] = [];
      await bus.subscribe({ subject, durable: 'worker', maxAttempts: 2, concurrency: 1 }, async ({ id }) => {
        seen.push(id);
        if (id === 'poison') throw new Error('cannot be read');
      });
      await bus.publish(message('poison'));
      await bus.publish(message('fine'));
      await until(async () => (await bus.deadLetters()).length === 1 && seen.includes('fine'), 'the dead letter');
      await pause(200);
      const [letter] = await bus.deadLetters();
      expectEqual(
        [letter?.message.id, letter?.consumer, letter?.reason, letter?.message.payload],
        ['poison', 'worker', 'cannot be read', { n: 'poison' }],
        'the dead letter',
      );
      expectEqual(seen.filter((id) => id === 'poison').length, 2, 'attempts');
    },
  },
];

const refusing: readonly Case[] = [
  {
    name: 'a subject that does not fit is refused with GENIE_BUS_SUBJECT',
    async run({ bus }) {
      for (const bad of [
        '',
        'suite',
        'suite.case.thing',
        'suite.case.thing.made.twice',
        'other.case.thing.made',
        'suite.case.*.made',
        'suite.case.thing.>',
        'suite.Case.thing.made',
        'suite.case.th ing.made',
        'suite..thing.made',
        'suite.case.größe.made',
        `suite.case.${'x'.repeat(60)}.made`,
      ])
        await expectCode(bus.publish(message('1', { subject: bad })), 'GENIE_BUS_SUBJECT');
      for (const bad of [
        '',
        '>',
        '*.case.thing.made',
        'other.>',
        'suite.>.made',
        'suite.case.thing',
        'suite.case.a*.made',
      ])
        await expectCode(
          bus.subscribe({ subject: bad }, () => undefined),
          'GENIE_BUS_SUBJECT',
        );
      await expectCode(
        bus.subscribe({ subject, durable: 'two words' }, () => undefined),
        'GENIE_BUS_SUBJECT',
      );
    },
  },
  {
    name: 'what the catalogue does not know, and what is too large, is refused with GENIE_BUS_MESSAGE',
    async run({ bus }) {
      const seen: BusMessage[] = [];
      await bus.subscribe({ subject: 'suite.>' }, (one) => void seen.push(one));
      await expectCode(bus.publish(message('1', { subject: 'suite.case.thing.forbidden' })), 'GENIE_BUS_MESSAGE');
      await expectCode(bus.publish(message('2', { payload: 'text' })), 'GENIE_BUS_MESSAGE');
      await expectCode(bus.publish(message('3', { payload: { text: 'x'.repeat(10_000_000) } })), 'GENIE_BUS_MESSAGE');
      await expectCode(bus.publish(message('')), 'GENIE_BUS_MESSAGE');
      await bus.publish(message('4'));
      await until(() => seen.length > 0, 'the good message');
      expectEqual(ids(seen), ['4'], 'ids');
    },
  },
  {
    name: 'who is present is known in order of key, until it says goodbye',
    async run({ bus }) {
      const end = await bus.announce('b', { load: 1 });
      await bus.announce('a ö/* > .', null);
      expectEqual(
        await bus.present(),
        [
          { key: 'a ö/* > .', value: null },
          { key: 'b', value: { load: 1 } },
        ],
        'present',
      );
      await end();
      expectEqual((await bus.present()).length, 1, 'present after a goodbye');
    },
  },
  {
    name: 'everything is refused with GENIE_BUS_CLOSED after close, which may be repeated',
    async run({ bus }) {
      await bus.close();
      await bus.close();
      await expectCode(bus.publish(message('1')), 'GENIE_BUS_CLOSED');
      await expectCode(
        bus.subscribe({ subject }, () => undefined),
        'GENIE_BUS_CLOSED',
      );
      await expectCode((async () => bus.present())(), 'GENIE_BUS_CLOSED');
    },
  },
];

const sharing: readonly Case[] = [
  {
    name: 'servers of one name share the messages, each handled by one of them',
    requires: 'shared',
    async run({ bus, another }) {
      const other = await given(another)();
      const seen: string[][] = [[], []];
      await bus.subscribe({ subject, durable: 'workers', concurrency: 2 }, async ({ id }) => {
        await pause(10);
        seen[0]?.push(id);
      });
      await other.subscribe({ subject, durable: 'workers', concurrency: 2 }, async ({ id }) => {
        await pause(10);
        seen[1]?.push(id);
      });
      for (let index = 0; index < 40; index += 1) await bus.publish(message(`${index}`));
      await until(() => seen.flat().length >= 40, 'all messages');
      await pause(100);
      expectEqual([seen.flat().length, new Set(seen.flat()).size], [40, 40], 'messages and different ones');
      expectThat(
        seen.every((list) => list.length > 0),
        'both servers get some',
      );
      await other.close();
    },
  },
  {
    name: 'a durable consumer gets what came while nobody was there',
    requires: 'shared',
    async run({ bus, another }) {
      const other = await given(another)();
      const end = await other.subscribe({ subject, durable: 'late' }, () => undefined);
      await end();
      await other.close();
      for (const id of ['1', '2', '3']) await bus.publish(message(id));
      const seen: BusMessage[] = [];
      const again = await given(another)();
      await again.subscribe({ subject, durable: 'late' }, (one) => void seen.push(one));
      await until(() => seen.length === 3, 'what was missed');
      expectEqual(ids(seen).sort(), ['1', '2', '3'], 'ids');
      await again.close();
    },
  },
  {
    name: 'what a server took when it died is handled by another one',
    requires: 'shared',
    async run({ bus, another, kill }) {
      const victim = await given(another)();
      const taken: string[] = [];
      await victim.subscribe({ subject, durable: 'workers' }, async ({ id }) => {
        taken.push(id);
        await new Promise(() => undefined);
      });
      for (const id of ['1', '2']) await bus.publish(message(id));
      await until(() => taken.length === 2, 'the victim takes both');
      await given(kill)(victim);
      const seen: BusMessage[] = [];
      await bus.subscribe({ subject, durable: 'workers' }, (one) => void seen.push(one));
      await until(() => seen.length === 2, 'both messages', 15_000);
      expectEqual(ids(seen).sort(), ['1', '2'], 'ids');
    },
  },
  {
    name: 'a server that died without goodbye is not present for long',
    requires: 'shared',
    async run({ bus, another, kill, silenceMs = 1_000 }) {
      const victim = await given(another)();
      await victim.announce('victim', {});
      expectEqual((await bus.present()).length, 1, 'present');
      await pause(silenceMs * 1.5);
      expectEqual((await bus.present()).length, 1, 'present after longer than the silence, because it renews');
      await given(kill)(victim);
      await until(async () => (await bus.present()).length === 0, 'the end of the presence', silenceMs * 3 + 3_000);
    },
  },
];

function given<Value>(value: Value | undefined): Value {
  expectThat(value !== undefined, 'the capability "shared" needs another and kill');
  return value as Value;
}

/** Every promise of the `MessageBus` port. Capabilities: `shared` (several processes, and the places of consumers survive them). */
export const busSuite: ConformanceSuite<BusSetup> = {
  port: 'MessageBus',
  cases: [...delivering, ...failing, ...refusing, ...sharing],
};
