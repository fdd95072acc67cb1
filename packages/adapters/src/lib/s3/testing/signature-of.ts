import { createHash, createHmac } from 'node:crypto';

export interface SignedRequest {
  readonly url: string;
  readonly method: 'GET' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly secretAccessKey: string;
}

/** The signature that a server expects of a presigned URL: AWS Signature Version 4, "Authenticating requests: using query parameters". */
export function signatureOf({ url, method, headers, secretAccessKey }: SignedRequest): string {
  const { searchParams, pathname, host } = new URL(url);
  const get = (name: string) => searchParams.get(`X-Amz-${name}`) ?? '';
  const [, day = '', region = '', service = ''] = get('Credential').split('/');
  const query = [...searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const names = get('SignedHeaders').split(';');
  const values: Readonly<Record<string, string>> = { ...headers, host };
  const canonical = [
    method,
    pathname,
    query.sort().join('&'),
    ...names.map((name) => `${name}:${values[name] ?? ''}`),
    '',
    names.join(';'),
    'UNSIGNED-PAYLOAD',
  ];
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = [
    'AWS4-HMAC-SHA256',
    get('Date'),
    scope,
    createHash('sha256').update(canonical.join('\n')).digest('hex'),
  ].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  return hmac(key, text).toString('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
