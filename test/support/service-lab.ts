/**
 * Everything that a function of AWS Lambda meets: an emulator whose stage calls a TLS backend, a table for the state, the
 * services that keep trust, and STS. All of it is reached as in AWS, by the environment alone.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHandler, type Answer, type RotateAnswer } from '../../src/lambda/index.js';
import { readBundle } from '../../src/certificates/bundle.js';
import { createTable } from '../../src/state/create.js';
import { startAwsDouble, type AwsDouble } from './aws-double.js';
import { startDynamoDb, type DynamoDb } from './dynamodb.js';
import { clientOf, startLab, type Lab } from './emulator.js';

/** A year and more is how old API Gateway lets a certificate become; it is due by then. */
const OLD_DAYS = 340;

export interface ServiceLab extends Lab {
  db: DynamoDb;
  services: AwsDouble;
  /** The form of each AssumeRole request. */
  roles: URLSearchParams[];
  /** What the function wrote. */
  lines: string[];
  /** The time of the function and of the emulator. */
  now(): Date;
  /** Lets so much time pass, in milliseconds, or until a moment after a time. */
  pass(time: number | string): void;
  /** Writes a configuration. @returns its path */
  configure(yaml: string): Promise<string>;
  /** One target: `orders/prod`, whose backend follows the S3 object `trust/list.pem`. */
  target(more?: string): string;
  /** Calls a handler of that configuration. */
  ask(event: unknown, more?: { config?: string; left?: number }): Promise<Answer>;
  rotate(more?: object, options?: { config?: string; left?: number }): Promise<RotateAnswer>;
}

const OBJECT = '/trust/list.pem';
/** The emulator's dates have whole seconds. Milliseconds. */
const SKEW = 2_000;

/** The SDK asks it for roles: each is assumed, with keys that tell nothing of an account. */
async function startSts(roles: URLSearchParams[]): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      roles.push(form);
      const arn = String(form.get('RoleArn')).replace(':iam:', ':sts:').replace(':role/', ':assumed-role/');
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.end(
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>${arn}/x</Arn><AssumedRoleId>x:x</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>AKIDTEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Starts the lab, and sets the environment until it is closed. */
export async function startServiceLab(): Promise<ServiceLab> {
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-lambda-'));
  const before = { ...process.env };
  const roles: URLSearchParams[] = [];
  const born = new Date(Date.now() - OLD_DAYS * 86_400_000);
  const [lab, db, services, sts] = await Promise.all([
    startLab({ clock: born }),
    startDynamoDb(),
    startAwsDouble(),
    startSts(roles),
  ]);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: 'secret-of-the-function',
    AWS_REGION: 'eu-central-1',
    AWS_CONFIG_FILE: join(directory, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'none'),
    AWS_ENDPOINT_URL: lab.emulator.url,
    AWS_ENDPOINT_URL_DYNAMODB: db.url,
    AWS_ENDPOINT_URL_STS: sts.url,
  });
  await createTable('apigw-cert', {});
  services.versions.set(OBJECT, [lab.certificate.pem]);
  // A backend that reads its trust store anew for each request.
  lab.backend.pins.has = (fingerprint) =>
    readBundle(Buffer.from(services.versions.get(OBJECT)?.at(-1) ?? '')).certificates.some(
      ({ certificate }) => certificate.fingerprintSha256 === fingerprint,
    );
  /** How far the time of the lab is ahead. Both clocks run on. */
  let ahead = 0;
  const now = (): Date => new Date(Date.now() + ahead);
  lab.emulator.setClock(now());
  const lines: string[] = [];
  let files = 0;
  const service: ServiceLab = {
    ...lab,
    db,
    services,
    roles,
    lines,
    now,
    pass(passed) {
      ahead = typeof passed === 'number' ? ahead + passed : Date.parse(passed) + SKEW - Date.now();
      lab.emulator.setClock(now());
    },
    async configure(yaml) {
      const file = join(directory, `apigw-cert-${++files}.yaml`);
      await writeFile(file, yaml, { mode: 0o600 });
      return file;
    },
    target: (more = '') => `
state: dynamodb:apigw-cert
region: eu-central-1
targets:
  orders:
    api: orders
    stages: [prod]
    probe: { path: /health, count: 2 }
    settle: 2s
    trust:
      - { kind: s3, bucket: trust, key: list.pem, endpointUrl: "${services.url}" }
${more}`,
    async ask(event, { config, left = 120_000 } = {}) {
      const handler = createHandler({
        config: config ?? (await service.configure(service.target())),
        write: (line) => lines.push(line),
        now,
      });
      return handler(event, { awsRequestId: 'request-1', getRemainingTimeInMillis: () => left });
    },
    rotate: async (more = {}, options = {}) =>
      (await service.ask({ request: 'rotate', job: { target: 'orders' }, ...more }, options)) as RotateAnswer,
    async close() {
      process.env = before;
      await Promise.all([lab.close(), db.close()]);
      services.close();
      sts.close();
      await rm(directory, { recursive: true });
    },
  };
  return service;
}

/** What the stage presents, by its own account. */
export async function presented({ emulator, api }: ServiceLab): Promise<string | undefined> {
  const { GetStageCommand } = await import('@aws-sdk/client-api-gateway');
  const client = clientOf(emulator);
  const { restApiId, stageName } = api;
  const { clientCertificateId } = await client.send(new GetStageCommand({ restApiId, stageName }));
  client.destroy();
  return clientCertificateId;
}
