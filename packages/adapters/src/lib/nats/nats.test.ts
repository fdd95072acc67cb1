import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runConformance } from '@genie/core/conformance';
import type { MessageBus } from '@genie/core/ports';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busSuite } from '../conformance/bus-suite.ts';
import { suiteCatalogue } from '../conformance/suite-catalogue.ts';
import { openNatsBus } from './nats-bus.ts';
import type { NatsBusOptions } from './nats-bus-options.ts';

interface Server {
  readonly url: string;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const skipped = await whyNoServer();
if (skipped) console.warn(`skipped: ${skipped}`);

async function whyNoServer(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = spawn('nats-server', ['--version'], { stdio: 'ignore' });
    probe.once('error', (error) => resolve(`no nats-server: ${error.message}`));
    probe.once('close', () => resolve(undefined));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Taken by servers that ask for nobody, too. */
const account = { user: 'genie', pass: 'right' };

/** A server of this test alone. */
async function startServer(more: readonly string[] = []): Promise<Server> {
  const dir = mkdtempSync(path.join(tmpdir(), 'genie-nats-'));
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn('nats-server', ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', dir, ...more], { stdio: 'ignore' });
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const connection = await connect({ servers: url, timeout: 500, reconnect: false, ...account }).catch(
        () => undefined,
      );
      if (connection) return connection.close();
      await pause(50);
    }
    throw new Error('nats-server does not start');
  };
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    url,
    async restart() {
      await stop();
      await start();
    },
    async stop() {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

describe.skipIf(skipped)('openNatsBus', () => {
  let server: Server;
  let admin: NatsConnection;
  beforeAll(async () => {
    server = await startServer();
    admin = await connect({ servers: server.url });
  }, 20_000);
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });
  let counter = 0;
  const open = (options: Partial<NatsBusOptions> = {}): Promise<MessageBus> =>
    openNatsBus({
      servers: server.url,
      domain: 'suite',
      stream: `S${counter}`,
      catalogue: suiteCatalogue,
      retryDelayMs: 20,
      ackWaitMs: 1_000,
      presenceTtlMs: 1_000,
      ...options,
    });
  const clean = async (): Promise<void> => {
    const manager = await jetstreamManager(admin);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
  };

  it('passes the bus suite', async () => {
    const connections = new Map<MessageBus, NatsConnection>();
    const report = await runConformance(busSuite, async () => {
      counter += 1;
      const bus = await open();
      return {
        setup: {
          bus,
          another: async () => {
            const connection = await connect({ servers: server.url, reconnect: false });
            const other = await open({ connection });
            connections.set(other, connection);
            return other;
          },
          // The socket breaks and nothing is said, as when the process is killed.
          kill: async (victim) => connections.get(victim)?.close(),
          silenceMs: 1_000,
        },
        capabilities: new Set(['shared']),
        close: async () => {
          await bus.close();
          for (const connection of connections.values()) await connection.close();
          connections.clear();
          await clean();
        },
      };
    });
    expect(report.results.filter((result) => result.status !== 'passed')).toEqual([]);
  }, 60_000);

  it('loses and doubles nothing when the server is killed while messages are published', async () => {
    counter += 1;
    const bus = await open({ publishTimeoutMs: 20_000 });
    const seen: string[] = [];
    await bus.subscribe({ subject: 'suite.>', durable: 'worker' }, ({ id }) => void seen.push(id));
    const publishing = (async () => {
      for (let index = 0; index < 60; index += 1) {
        await bus.publish({ id: `m${index}`, subject: 'suite.case.thing.made', payload: { index } });
        await pause(5);
      }
    })();
    await pause(100);
    await server.restart();
    await publishing;
    for (let waited = 0; new Set(seen).size < 60 && waited < 100; waited += 1) await pause(100);
    expect(new Set(seen).size).toBe(60);
    await bus.close();
    await clean();
  }, 60_000);

  it('knows ids apart that a header would make alike', async () => {
    counter += 1;
    const bus = await open();
    const seen: string[] = [];
    await bus.subscribe({ subject: 'suite.>' }, ({ id }) => void seen.push(id));
    const all = ['x', 'x ', ' x', '\tx', 'x\ud800', 'x\udc00', 'x%0020', 'é', 'e\u0301', '🧞'];
    for (const id of all) {
      const message = { id, subject: 'suite.case.thing.made', payload: {} };
      expect([await bus.publish(message), await bus.publish(message)], JSON.stringify(id)).toEqual([true, false]);
    }
    for (let waited = 0; seen.length < all.length && waited < 100; waited += 1) await pause(20);
    expect(new Set(seen)).toEqual(new Set(all));
    await bus.close();
    await clean();
  });

  it('goes on where it was when the server has lost its consumers', async () => {
    counter += 1;
    const bus = await open();
    const seen: string[] = [];
    await bus.subscribe({ subject: 'suite.>' }, ({ id }) => void seen.push(`one ${id}`));
    await bus.subscribe({ subject: 'suite.>', durable: 'workers' }, ({ id }) => void seen.push(`two ${id}`));
    const publish = (id: string) => bus.publish({ id, subject: 'suite.case.thing.made', payload: {} });
    const arrived = async (id: string): Promise<void> => {
      for (let waited = 0; waited < 200; waited += 1) {
        if (seen.includes(`one ${id}`) && seen.includes(`two ${id}`)) return;
        await pause(20);
      }
      throw new Error(`${id} did not arrive: ${seen.join()}`);
    };
    await publish('before');
    await arrived('before');
    const manager = await jetstreamManager(admin);
    const stream = `S${counter}`;
    const names: string[] = [];
    for await (const { name } of manager.consumers.list(stream)) names.push(name);
    for (const name of names) await manager.consumers.delete(stream, name);
    await publish('consumers gone');
    await arrived('consumers gone');
    expect(seen).toHaveLength(4);
    await bus.close();
    await clean();
  }, 20_000);

  it('refuses what is too large at once, and buries the largest that it takes', async () => {
    counter += 1;
    const bus = await open();
    const large = (bytes: number) =>
      bus.publish({ id: `large ${bytes}`, subject: 'suite.case.thing.made', payload: { text: 'x'.repeat(bytes) } });
    await expect(large(1_048_000)).rejects.toMatchObject({ code: 'GENIE_BUS_MESSAGE' });
    await bus.subscribe({ subject: 'suite.>', durable: 'poisoned', maxAttempts: 1 }, () => {
      throw new Error('\u0001'.repeat(2_000));
    });
    await large(1_040_000);
    const letters = async () => (await bus.deadLetters()).map(({ message, consumer }) => [message.id, consumer]);
    for (let waited = 0; (await letters()).length === 0 && waited < 100; waited += 1) await pause(20);
    expect(await letters()).toEqual([['large 1040000', 'poisoned']]);
    await bus.close();
    await clean();
  }, 20_000);

  it('says that a password is wrong, without it', async () => {
    const locked = await startServer(['--user', account.user, '--pass', account.pass]);
    const error = await open({ servers: locked.url, user: account.user, password: 'wr0ng-word' }).catch(
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject({ code: 'GENIE_BUS_FAILED', message: expect.stringContaining('Authorization') });
    expect(JSON.stringify(error) + (error as Error).stack).not.toContain('wr0ng-word');
    await locked.stop();
  }, 20_000);

  it('says what is wrong with a server that is not there, or never answers', async () => {
    await expect(open({ servers: 'nats://127.0.0.1:1' })).rejects.toMatchObject({ code: 'GENIE_BUS_FAILED' });
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    await expect(open({ servers: `nats://127.0.0.1:${port}` })).rejects.toMatchObject({ code: 'GENIE_BUS_FAILED' });
    silent.close();
  }, 20_000);
});
