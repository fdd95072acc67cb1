import { connect, type Socket } from 'node:net';

/** Opens a connection; with `tunnelTo` it asks a proxy for a tunnel and sends the first bytes of a TLS connection. */
export async function dial(
  port: number,
  tunnelTo?: { readonly authority: string; readonly hello: Uint8Array },
): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  if (tunnelTo === undefined) return socket;
  socket.write(`CONNECT ${tunnelTo.authority} HTTP/1.1\r\nHost: ${tunnelTo.authority}\r\n\r\n`);
  await readUntil(socket, (bytes) => bytes.includes('\r\n\r\n'));
  socket.write(tunnelTo.hello);
  await readUntil(socket, (bytes) => bytes.length >= tunnelTo.hello.length);
  return socket;
}

function readUntil(socket: Socket, isEnough: (bytes: Buffer) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!isEnough(bytes)) return;
      socket.removeListener('data', onData);
      socket.removeListener('close', onClose);
      resolve();
    };
    const onClose = (): void => reject(new Error('the connection was closed'));
    socket.on('data', onData).once('close', onClose);
  });
}

/** Sends `message` and waits for `answerBytes` bytes, again and again on each socket, for a time. Answers a second. */
export async function pingPong(
  sockets: readonly Socket[],
  message: string,
  answerBytes: number,
  durationMs: number,
): Promise<number> {
  let answers = 0;
  const startedAt = performance.now();
  const until = startedAt + durationMs;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let received = 0;
          const onData = (chunk: Buffer): void => {
            received += chunk.length;
            if (received < answerBytes) return;
            received -= answerBytes;
            answers += 1;
            if (performance.now() < until) socket.write(message);
            else {
              socket.removeListener('data', onData);
              resolve();
            }
          };
          socket.on('data', onData).once('close', () => resolve());
          socket.write(message);
        }),
    ),
  );
  return (answers * 1_000) / (performance.now() - startedAt);
}

/** Milliseconds that each of `count` exchanges on one socket took, sorted. */
export async function latencies(
  socket: Socket,
  message: string,
  answerBytes: number,
  count: number,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    const answered = readUntil(socket, (bytes) => bytes.length >= answerBytes);
    socket.write(message);
    await answered;
    times.push(performance.now() - startedAt);
  }
  return times.sort((left, right) => left - right);
}

/** How many bytes the answer to a request has. */
export async function measureAnswer(socket: Socket, message: string): Promise<number> {
  let length = 0;
  const answered = readUntil(socket, (bytes) => {
    const head = bytes.indexOf('\r\n\r\n');
    const size = /content-length: (\d+)/i.exec(bytes.toString('latin1'))?.[1];
    length = head + 4 + Number(size);
    return head !== -1 && bytes.length >= length;
  });
  socket.write(message);
  await answered;
  return length;
}

/** Megabytes a second through a tunnel to the bulk server. */
export async function bulk(socket: Socket, megabytes: number): Promise<number> {
  const startedAt = performance.now();
  let left = megabytes * 1024 * 1024;
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      left -= chunk.length;
      if (left <= 0) resolve();
    });
  });
  socket.write(`bulk ${megabytes}`);
  await done;
  return (megabytes * 1_000) / (performance.now() - startedAt);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
