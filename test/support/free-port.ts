import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/*
 * Below what systems give to outgoing connections and to whoever listens on any port (Linux from 32768, macOS and
 * Windows from 49152). A port from there can be taken before the server that it is meant for has started: by another
 * test, or by the very attempts to connect to it, since TCP connects a port to itself. Jest's workers have a share each.
 */
const FIRST = 10_000;
const SHARE = 5_000;
const own = FIRST + (Number(process.env['JEST_WORKER_ID'] ?? 1) % 4) * SHARE;

let last = randomInt(SHARE);

/** A loopback port for a server that is told its port before it starts; nobody gets it by chance meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    last = (last + 1) % SHARE;
    const port = own + last;
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
