/** What becomes of a session that a client resumes. */
import { connect } from 'node:tls';
import type { Identity } from '../../src/certificates/issue.js';

/** The status of a request on a first connection, and on one that offers to resume its session; empty where it was refused before. */
export async function statuses(
  port: number,
  { pem, privateKeyPem }: Identity,
  version: 'TLSv1.2' | 'TLSv1.3',
  inBetween: () => Promise<void> = () => Promise.resolve(),
): Promise<string[]> {
  let session: Buffer | undefined;
  const status = (): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const versions = { minVersion: version, maxVersion: version };
      const own = { cert: pem, key: privateKeyPem, rejectUnauthorized: false, ...(session && { session }) };
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...versions, ...own });
      socket.on('session', (each: Buffer) => (session = each));
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('error', () => undefined); // an alert; the close tells
      socket.on('close', () => {
        resolve(text.slice(9, 12));
      });
      socket.on('secureConnect', () =>
        socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
      );
    });
  const first = await status();
  await inBetween();
  return [first, await status()];
}
