/**
 * A double of what state in S3 uses, after the documented rules of conditional writes ("Add preconditions to S3 operations
 * with conditional requests" in the S3 user guide): `If-None-Match: *` answers 412 where an object is there, `If-Match`
 * 412 where its ETag is another and 404 where there is none; 409 where another write, or a deletion, of the same key is
 * under way. Reads and lists show every write that was answered. The emulators in the npm registry ignore both headers.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3Double {
  url: string;
  /** Contents by path: `/BUCKET/KEY`. */
  objects: Map<string, string>;
  buckets: Set<string>;
  /** The codes that the next requests are answered with, without any effect: `409`, `SlowDown`, `AccessDenied`. */
  faults: ('ConditionalRequestConflict' | 'SlowDown' | 'AccessDenied')[];
  /** The requests, `PUT /bucket/key`. */
  requests: string[];
  close(): void;
}

const STATUS: Readonly<Record<string, number>> = {
  ConditionalRequestConflict: 409,
  PreconditionFailed: 412,
  NoSuchKey: 404,
  NoSuchBucket: 404,
  AccessDenied: 403,
  SlowDown: 503,
};

const etagOf = (text: string): string => `"${createHash('md5').update(text).digest('hex')}"`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** How many keys a page of a list has: few, so that lists of tests have pages. */
const PAGE = 3;

export async function startS3Double(): Promise<S3Double> {
  const writing = new Set<string>();
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
      const path = decodeURIComponent(pathname);
      double.requests.push(`${request.method ?? ''} ${path}`);
      const [, bucket = ''] = path.split('/');
      const answer = (status: number, body = '', headers: Record<string, string> = {}): void => {
        response.writeHead(status, {
          'x-amz-request-id': 'double',
          'content-type': 'application/xml',
          ...headers,
        });
        response.end(body);
      };
      const refuse = (code: string): void => {
        answer(
          STATUS[code] ?? 400,
          `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} by the double</Message></Error>`,
        );
      };
      const fault = double.faults.shift();
      if (fault !== undefined) {
        refuse(fault);
        return;
      }
      if (!double.buckets.has(bucket)) {
        refuse('NoSuchBucket');
        return;
      }
      if (request.method === 'GET' && searchParams.get('list-type') === '2') {
        const prefix = `/${bucket}/${searchParams.get('prefix') ?? ''}`;
        const after = searchParams.get('continuation-token') ?? '';
        const keys = [...double.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
        const page = keys.slice(0, PAGE);
        const contents = page.map(
          (key) => `<Contents><Key>${escaped(key.slice(bucket.length + 2))}</Key></Contents>`,
        );
        const isCut = keys.length > PAGE;
        answer(
          200,
          `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isCut}</IsTruncated>${isCut ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>` : ''}${contents.join('')}</ListBucketResult>`,
        );
        return;
      }
      const there = double.objects.get(path);
      switch (request.method) {
        case 'GET':
          if (there === undefined) refuse('NoSuchKey');
          else answer(200, there, { etag: etagOf(there), 'content-type': 'text/plain' });
          return;
        case 'DELETE':
          double.objects.delete(path);
          answer(204);
          return;
        default: {
          const match = request.headers['if-match'];
          const isConditional = match !== undefined || request.headers['if-none-match'] === '*';
          if (isConditional && writing.has(path)) {
            refuse('ConditionalRequestConflict');
            return;
          }
          if (match !== undefined && there === undefined) {
            refuse('NoSuchKey');
            return;
          }
          const isRefused =
            match === undefined ? isConditional && there !== undefined : match !== etagOf(there ?? '');
          if (isRefused) {
            refuse('PreconditionFailed');
            return;
          }
          // A write takes a moment, in which another of the same key meets it.
          writing.add(path);
          await new Promise((resolve) => setImmediate(resolve));
          writing.delete(path);
          double.objects.set(path, text);
          answer(200, '', { etag: etagOf(text) });
        }
      }
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const double: S3Double = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects: new Map(),
    buckets: new Set(),
    faults: [],
    requests: [],
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return double;
}
