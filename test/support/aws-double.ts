/**
 * A double of the few operations that trust stores in AWS use, written from the service models: S3 GetObject and
 * PutObject with If-Match; Secrets Manager GetSecretValue, PutSecretValue and UpdateSecretVersionStage; Systems
 * Manager GetParameter and PutParameter. The emulators in the npm registry either need a newer Node or know no
 * conditional writes.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';

export interface AwsDouble {
  url: string;
  /** The versions of everything, by name, the last being the current one. */
  versions: Map<string, string[]>;
  /** What was asked for: `s3.GET`, `secretsmanager.GetSecretValue`. */
  operations: string[];
  /** Runs once, just before the next write is judged: somebody else is quicker. */
  beforeWrite: (() => void) | undefined;
  readOnly: boolean;
  /** Nothing can be read. */
  denied: boolean;
  /** Of the next writes: the connection ends before the service does anything, after it has, or it answers 500. */
  mishaps: ('before' | 'after' | 'error500' | undefined)[];
  /** Its secrets are binary. */
  binary: boolean;
  close(): void;
}

interface Secret {
  id: string;
  text: string;
  stages: string[];
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const etag = (text: string): string => `"${createHash('md5').update(text, 'latin1').digest('hex')}"`;

type Answer = [status: number, body: unknown, headers?: Record<string, string>];

export async function startAwsDouble(): Promise<AwsDouble> {
  const versions = new Map<string, string[]>();
  const secrets = new Map<string, Secret[]>();
  const current = (name: string): string | undefined => versions.get(name)?.at(-1);
  const fault = (type: string, status = 400): Answer => [
    status,
    { __type: type, message: `${type} by the double` },
  ];

  const writing = (): Answer | undefined => {
    const somebody = double.beforeWrite;
    double.beforeWrite = undefined;
    somebody?.();
    return double.readOnly ? fault('AccessDeniedException') : undefined;
  };

  /** Versions of a secret; a text that the test put in place by itself becomes a current version. */
  const secretVersions = (name: string): Secret[] => {
    const list = secrets.get(name) ?? [];
    secrets.set(name, list);
    const text = current(name) ?? '';
    if (list.find(({ stages }) => stages.includes('AWSCURRENT'))?.text !== text) {
      for (const version of list) version.stages = version.stages.filter((stage) => stage !== 'AWSCURRENT');
      list.push({ id: randomUUID(), text, stages: ['AWSCURRENT'] });
    }
    return list;
  };

  const json = (target: string, input: Record<string, unknown>): Answer => {
    if (double.denied && target.includes('.Get')) return fault('AccessDeniedException');
    const name = String(input['SecretId'] ?? input['Name']);
    const [base = '', wanted] = name.split(':');
    if (!versions.has(base)) {
      return fault(target.startsWith('secretsmanager') ? 'ResourceNotFoundException' : 'ParameterNotFound');
    }
    const list = versions.get(base) ?? [];
    switch (target) {
      case 'secretsmanager.GetSecretValue': {
        const version = secretVersions(base).find(({ stages }) => stages.includes('AWSCURRENT'));
        const content = double.binary ? { SecretBinary: 'AAAA' } : { SecretString: version?.text };
        return [200, { ...content, VersionId: version?.id }];
      }
      case 'secretsmanager.PutSecretValue': {
        const refused = writing();
        if (refused) return refused;
        const version = {
          id: randomUUID(),
          text: String(input['SecretString']),
          stages: input['VersionStages'] as string[],
        };
        secretVersions(base).push(version);
        return [200, { VersionId: version.id }];
      }
      case 'secretsmanager.UpdateSecretVersionStage': {
        const all = secretVersions(base);
        const from = all.find(({ id }) => id === input['RemoveFromVersionId']);
        const to = all.find(({ id }) => id === input['MoveToVersionId']);
        if (!from?.stages.includes('AWSCURRENT') || !to) return fault('InvalidParameterException');
        from.stages = ['AWSPREVIOUS'];
        to.stages.push('AWSCURRENT');
        list.push(to.text);
        return [200, {}];
      }
      case 'AmazonSSM.GetParameter': {
        const number = wanted === undefined ? list.length : Number(wanted);
        return [200, { Parameter: { Name: base, Type: 'String', Value: list[number - 1], Version: number } }];
      }
      case 'AmazonSSM.PutParameter': {
        const refused = writing();
        if (refused) return refused;
        list.push(String(input['Value']));
        return [200, { Version: list.length }];
      }
      default:
        return fault('UnknownOperationException');
    }
  };

  const xml = (code: string, status: number): Answer => [
    status,
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} by the double</Message></Error>`,
  ];

  const s3 = (method: string, path: string, match: string | undefined, text: string): Answer => {
    if (method === 'PUT') {
      if (writing()) return xml('AccessDenied', 403);
      if (match !== undefined && match !== etag(current(path) ?? '')) return xml('PreconditionFailed', 412);
      versions.set(path, [...(versions.get(path) ?? []), text]);
      return [200, '', { etag: etag(text) }];
    }
    if (double.denied) return xml('AccessDenied', 403);
    const found = current(path);
    return found === undefined ? xml('NoSuchKey', 404) : [200, found, { etag: etag(found) }];
  };

  const server = createServer((request, response) => {
    void (async () => {
      const octets = await bodyOf(request);
      const target = request.headers['x-amz-target'];
      double.operations.push(typeof target === 'string' ? target : `s3.${request.method ?? ''}`);
      const isWrite = typeof target === 'string' ? /\.(Put|Update)/.test(target) : request.method === 'PUT';
      const mishap = isWrite ? double.mishaps.shift() : undefined;
      if (mishap === 'before') {
        request.socket.destroy();
        return;
      }
      const [status, body, headers]: Answer =
        mishap === 'error500'
          ? [500, '']
          : typeof target === 'string'
            ? json(target, JSON.parse(octets.toString('utf8')) as Record<string, unknown>)
            : s3(
                request.method ?? '',
                new URL(request.url ?? '', 'http://x').pathname,
                request.headers['if-match'],
                octets.toString('latin1'),
              );
      if (mishap === 'after') {
        request.socket.destroy();
        return;
      }
      response.writeHead(status, {
        'content-type': typeof target === 'string' ? 'application/x-amz-json-1.1' : 'application/xml',
        ...headers,
      });
      response.end(typeof body === 'string' ? Buffer.from(body, 'latin1') : JSON.stringify(body));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const double: AwsDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    versions,
    operations: [],
    beforeWrite: undefined,
    readOnly: false,
    denied: false,
    mishaps: [],
    binary: false,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return double;
}
