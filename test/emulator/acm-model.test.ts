import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { acmOperations } from '../../src/emulator/acm/certificates.js';
import { acmClientOf, importCertificate, makePki, requestCertificate } from '../support/acm.js';

/*
 * The emulator's ACM compared with the model that the aws command line is made from: its operations, what they require,
 * what they answer, and the errors that they may answer with.
 */

interface Shape {
  required?: string[];
  members?: Record<string, { shape: string }>;
  exception?: boolean;
}

interface Model {
  metadata: { targetPrefix: string; jsonVersion: string };
  operations: Record<
    string,
    { input: { shape: string }; output?: { shape: string }; errors?: { shape: string }[] }
  >;
  shapes: Record<string, Shape>;
}

/** Where Debian's package, pip and the installer of version 2 put it. */
const PLACES = [
  '/usr/lib/python3/dist-packages/awscli/botocore',
  '/usr/lib/python3/dist-packages/botocore',
  '/usr/local/aws-cli/v2/current/dist/awscli/botocore',
  '/usr/local/lib/python3/dist-packages/botocore',
].flatMap((place) => ['', '.gz'].map((end) => `${place}/data/acm/2015-12-08/service-2.json${end}`));

function readModel(): Model {
  const file = PLACES.find((place) => existsSync(place));
  if (file === undefined) throw new Error('the aws command line is not installed (apt install awscli)');
  const bytes = readFileSync(file);
  return JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as Model;
}

const model = readModel();
const input = (name: string): Shape => model.shapes[model.operations[name]?.input.shape ?? ''] ?? {};
/** Any operation may answer with this one; see "Common errors" of the API reference. */
const COMMON = ['ValidationException'];
const errorsOf = (name: string): string[] => [
  ...(model.operations[name]?.errors ?? []).map(({ shape }) => shape),
  ...COMMON,
];

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false });
});
afterAll(() => emulator.close());

async function call(name: string, body: object): Promise<{ status: number; type: string; answer: object }> {
  const authorization =
    'AWS4-HMAC-SHA256 Credential=AKIDTEST/20261129/eu-central-1/acm/aws4_request, SignedHeaders=host, Signature=0';
  const response = await fetch(emulator.url, {
    method: 'POST',
    headers: {
      authorization,
      'content-type': `application/x-amz-json-${model.metadata.jsonVersion}`,
      'x-amz-target': `${model.metadata.targetPrefix}.${name}`,
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { __type?: string };
  return { status: response.status, type: answer.__type ?? '', answer };
}

const membersOf = (shape: string): string[] => Object.keys(model.shapes[shape]?.members ?? {});
const withoutAny = (value: object, known: readonly string[]): string[] =>
  Object.keys(value).filter((key) => !known.includes(key));

test('every operation is one of ACM', () => {
  expect(acmOperations.map(({ name }) => name).filter((name) => !(name in model.operations))).toEqual([]);
  expect(acmOperations.length).toBeGreaterThanOrEqual(9);
});

test.each(acmOperations.map(({ name }) => name))('%s requires what ACM requires', async (name) => {
  const { required = [] } = input(name);
  const { status, type } = await call(name, {});
  expect([status, required.length > 0 ? errorsOf(name).includes(type) : type]).toEqual(
    required.length > 0 ? [400, true] : [200, ''],
  );
});

const UNKNOWN = 'arn:aws:acm:eu-central-1:123456789012:certificate/none';
test.each(
  acmOperations.map(({ name }) => name).filter((name) => input(name).required?.includes('CertificateArn')),
)('%s of a certificate that is not there fails as with ACM', async (name) => {
  const { status, type } = await call(name, {
    CertificateArn: UNKNOWN,
    Tags: [{ Key: 'a' }],
    Passphrase: Buffer.from('none').toString('base64'),
  });
  expect([status, type]).toEqual([400, 'ResourceNotFoundException']);
  expect(errorsOf(name)).toContain(type);
});

test('what is answered has the members that ACM has', async () => {
  const client = acmClientOf(emulator);
  const pki = await makePki();
  const arn = await importCertificate(client, await pki.leaf(), { chain: pki.issuing.pem });
  await requestCertificate(client);
  client.destroy();
  const { answer: described } = await call('DescribeCertificate', { CertificateArn: arn });
  const { Certificate } = described as { Certificate: object };
  expect(withoutAny(Certificate, membersOf('CertificateDetail'))).toEqual([]);
  const keyTypes = ['EC_prime256v1', 'RSA_2048'];
  const { answer: listed } = await call('ListCertificates', { Includes: { keyTypes } });
  const { CertificateSummaryList: summaries } = listed as { CertificateSummaryList: object[] };
  expect(summaries).toHaveLength(2);
  for (const summary of summaries) {
    expect(withoutAny(summary, membersOf('CertificateSummary'))).toEqual([]);
  }
  for (const name of ['GetCertificate', 'ListTagsForCertificate']) {
    const { answer } = await call(name, { CertificateArn: arn });
    expect(withoutAny(answer, membersOf(model.operations[name]?.output?.shape ?? ''))).toEqual([]);
  }
});
