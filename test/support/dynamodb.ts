/** A DynamoDB of the test's own, in memory: dynalite behind a server that can keep requests and answers back. */
import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';

export interface DynamoDb {
  url: string;
  /** Of the next PutItem requests: the answer is lost after the effect, the request is lost, or a fault is answered. */
  faults: ('lostAfter' | 'lostBefore' | 'throttled' | 'denied' | 'error500')[];
  /** The operations that were asked for. */
  operations: string[];
  /** What leases were ever taken on. */
  leases(): string[];
  close(): Promise<void>;
}

const FAULTS = {
  throttled: [400, 'ProvisionedThroughputExceededException'],
  denied: [400, 'AccessDeniedException'],
  error500: [500, 'InternalServerError'],
} as const;

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export async function startDynamoDb(): Promise<DynamoDb> {
  const leases = new Set<string>();
  const inner = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  const port = await listening(inner);

  async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
    db.operations.push(operation);
    const text = Buffer.concat(chunks).toString('utf8');
    const [, key] = /\\"key\\":\\"([^"\\]+)/.exec(text) ?? [];
    if (key !== undefined) leases.add(key);
    const fault = operation === 'PutItem' ? db.faults.shift() : undefined;
    if (fault === 'lostBefore') {
      incoming.socket.destroy();
      return;
    }
    if (fault !== undefined && fault !== 'lostAfter') {
      const [status, type] = FAULTS[fault];
      response.writeHead(status, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-requestid': 'double',
      });
      response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type }));
      return;
    }
    const headers = { ...incoming.headers, host: `127.0.0.1:${port}` };
    const outgoing = ask({ port, host: '127.0.0.1', method: 'POST', path: '/', headers }, (answer) => {
      if (fault === 'lostAfter') {
        answer.resume().on('end', () => incoming.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    outgoing.end(Buffer.concat(chunks));
  }
  const server = createServer((incoming, response) => void forward(incoming, response));
  const outer = await listening(server);
  const db: DynamoDb = {
    url: `http://127.0.0.1:${outer}`,
    faults: [],
    operations: [],
    leases: () => [...leases],
    async close() {
      server.closeAllConnections();
      server.close();
      inner.closeAllConnections();
      await new Promise((resolve) => inner.close(resolve));
    },
  };
  return db;
}
