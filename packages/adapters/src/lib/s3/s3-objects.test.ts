import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { runConformance } from '@genie/core/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectStoreSuite } from '../object-store-suite.ts';
import { createS3Client, loadS3 } from './s3-client.ts';
import { createS3Objects } from './s3-objects.ts';
import { type S3ForTests, startS3 } from './testing/s3-for-tests.ts';
import { signatureOf } from './testing/signature-of.ts';

let server: S3ForTests;
beforeAll(async () => {
  server = await startS3();
});
afterAll(() => server.close());

let buckets = 0;
const open = (more: object = {}) =>
  createS3Objects({ ...server.options, bucket: 'tests', prefix: `run-${++buckets}`, ...more });

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('createS3Objects', { timeout: 60_000 }, () => {
  it('keeps the promises of an object store', async () => {
    const report = await runConformance(objectStoreSuite, async () => ({ setup: { store: await open() } }));
    expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });

  it('refuses content that changed on the server', async () => {
    const store = await open({ prefix: 'damaged' });
    await store.put('a', Buffer.from('right'));
    const folder = join(server.dir, 'tests/damaged');
    const file = readdirSync(folder).find((name) => name === 'a._S3rver_object');
    writeFileSync(join(folder, file!), 'wrong');
    const found = await store.get('a');
    await expect(collect(found!.content)).rejects.toMatchObject({ code: 'GENIE_OBJECT_CORRUPT' });
  });

  it('shows one prefix nothing of another, also none that begins the same', async () => {
    const [one, other] = [await open({ prefix: 'tenant' }), await open({ prefix: 'tenant-b' })];
    await one.put('x/1', Buffer.from('1'));
    await other.put('x/1', Buffer.from('2'));
    const keys: string[] = [];
    for await (const { key } of one.list()) keys.push(key);
    expect(keys).toEqual(['x/1']);
    expect(await one.delete('x/1')).toBe(true);
    expect(String(await collect((await other.get('x/1'))!.content))).toBe('2');
    await expect(open({ prefix: '../up' })).rejects.toMatchObject({ code: 'GENIE_OBJECT_KEY' });
  });

  it('lists more than a page in order, and leaves out what others put there', async () => {
    const store = await open({ prefix: 'pages', pageKeys: 7 });
    const keys = Array.from({ length: 25 }, (_, index) => `k/${String(index).padStart(5, '0')}`);
    await Promise.all(keys.map((key) => store.put(key, Buffer.from(key))));
    const raw = createS3Client(await loadS3(), server.options);
    const { PutObjectCommand } = await loadS3();
    for (const Key of ['pages/k/00003~', 'pages/k/no-checksum'])
      await raw.send(new PutObjectCommand({ Bucket: 'tests', Key, Body: 'x' }));
    raw.destroy();
    const listed: string[] = [];
    for await (const { key } of store.list('k/')) listed.push(key);
    expect(listed).toEqual(keys);
  });

  it('gives URLs that read and write one object, checked against the checksum that was signed', async () => {
    const store = await open();
    const content = Buffer.from('through a URL');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const put = await store.presign({ method: 'PUT', key: 'a', expiresInSeconds: 60, sha256 });
    expect((await fetch(put.url, { method: 'PUT', body: content, headers: put.headers })).status).toBe(200);
    expect(await store.head('a')).toMatchObject({ sha256, sizeBytes: content.length });
    const get = await store.presign({ method: 'GET', key: 'a', expiresInSeconds: 60 });
    expect(await (await fetch(get.url)).text()).toBe('through a URL');
    // The local server does not check signatures of version 4, so they are computed again from Amazon's description.
    const { secretAccessKey } = server.options.credentials;
    for (const [{ url, headers }, method] of [
      [put, 'PUT'],
      [get, 'GET'],
    ] as const) {
      const again = signatureOf({ url, method, headers, secretAccessKey });
      expect(new URL(url).searchParams.get('X-Amz-Signature')).toBe(again);
      expect(signatureOf({ url: url.replace('/a?', '/b?'), method, headers, secretAccessKey })).not.toBe(again);
      expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('60');
    }
    expect(new URL(put.url).searchParams.get('X-Amz-SignedHeaders')).toContain('x-amz-meta-genie-sha256');
    await expect(store.presign({ method: 'GET', key: '../a', expiresInSeconds: 60 })).rejects.toMatchObject({
      code: 'GENIE_OBJECT_KEY',
    });
    await expect(store.presign({ method: 'GET', key: 'a', expiresInSeconds: 0 })).rejects.toMatchObject({
      code: 'GENIE_OBJECT_STORE',
    });
  });

  it('leaves no part behind when an upload fails', async () => {
    const store = await open({ prefix: 'parts' });
    async function* broken() {
      yield Buffer.alloc(12_000_000);
      throw new Error('the source broke');
    }
    await expect(store.put('a', broken())).rejects.toMatchObject({ code: 'GENIE_OBJECT_STORE' });
    expect(
      readdirSync(join(server.dir, 'tests'), { recursive: true }).filter(
        (name) => /parts\/.*(?:a|uploads)/.test(String(name)) && !String(name).endsWith('~uploads'),
      ),
    ).toEqual([]);
  });

  it('says what is wrong with credentials, buckets and part sizes', async () => {
    const wrong = await open({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'wrong' } });
    await expect(wrong.put('a', Buffer.from('x'))).rejects.toThrow(/InvalidAccessKeyId/);
    await expect((await open({ bucket: 'none' })).put('a', Buffer.from('x'))).rejects.toThrow(/NoSuchBucket/);
    await expect(open({ partBytes: 1 })).rejects.toMatchObject({ code: 'GENIE_OBJECT_STORE' });
  });

  it('gives up on a server that accepts and never answers', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const store = await open({ endpoint, timeoutMs: 300 });
    const startedAt = performance.now();
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'GENIE_OBJECT_STORE' });
    await expect(store.head('a')).rejects.toMatchObject({ code: 'GENIE_OBJECT_STORE' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await store.close();
    silent.close();
  });

  it('sets the rule of its prefix and leaves the others', async () => {
    const bodies: string[] = [];
    const present =
      '<LifecycleConfiguration><Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix>x/</Prefix></Filter><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>';
    const api = createHttpServer((request, response) => {
      if (request.method === 'GET') return void response.end(present);
      let body = '';
      request
        .on('data', (chunk) => (body += chunk))
        .on('end', () => {
          bodies.push(`${request.url} ${body}`);
          response.end();
        });
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    const store = await open({ endpoint: `http://127.0.0.1:${(api.address() as AddressInfo).port}`, prefix: 'mine' });
    await store.setLifecycle({ expireAfterDays: 30 });
    await store.close();
    api.close();
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).toMatch(/^\/tests\/?\?lifecycle/);
    for (const part of [
      '<ID>theirs</ID>',
      '<ID>genie mine/</ID>',
      '<Prefix>mine/</Prefix>',
      '<Days>30</Days>',
      '<DaysAfterInitiation>1</DaysAfterInitiation>',
    ])
      expect(bodies[0]).toContain(part);
  });
});
