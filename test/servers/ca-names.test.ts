/** What real servers announce, and what API Gateway's kind of client makes of it. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lintBackend } from '../../src/commands/backend/lint/run.js';
import { verifyBackend, type BackendReport } from '../../src/commands/backend/verify/run.js';
import { recipes } from '../support/recipes.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { isInstalled, startServer, type Configured, type ServerKind } from '../support/real-server.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await mintIdentity('a1b2c3');
});

/** What lint says of API Gateway itself, from the same configuration. */
async function lintOf(kind: ServerKind, folder: string): Promise<string[]> {
  if (kind === 'caddy') return [];
  const file = join(folder, kind === 'haproxy' ? 'recipe.cfg' : 'recipe.conf');
  const report = await lintBackend(
    { file, bytes: readFileSync(file), format: kind, consumer: 'openssl-ca-bundle' },
    () => new Date(),
  );
  return report.listeners.flatMap(({ apiGateway = [] }) =>
    apiGateway.map(({ problem = '', result }) => `${problem} ${result}`),
  );
}

type Verified = BackendReport & { lint: string[] };

async function verify(kind: ServerKind, configured?: Configured): Promise<Verified> {
  const { certificate, privateKeyPem } = identity;
  const server = await startServer(kind, [certificate], configured);
  try {
    const report = await verifyBackend(
      `https://localhost:${server.port}/`,
      {
        backendCas: [Buffer.from(server.caPem)],
        own: { certificate: Buffer.from(certificate.pem), privateKey: Buffer.from(privateKeyPem) },
      },
      () => new Date(),
    );
    return { ...report, lint: await lintOf(kind, server.folder) };
  } finally {
    await server.stop();
  }
}

/** Called by a name without a dot, which is another matter. */
const problems = ({ findings }: BackendReport): string[] =>
  findings.map(({ code }) => code).filter((code) => code !== 'ServerNameNotSent');

const KINDS = (['nginx', 'haproxy', 'apache', 'caddy'] as const).filter(isInstalled);

test.each(KINDS)('%s as printed: a Java client presents its certificate and is let in', async (kind) => {
  const report = await verify(kind);
  expect(report).toMatchObject({
    verdict: 'enforced',
    javaClient: { answers: true },
    withCertificate: { kind: 'answered', status: 200 },
    server: { problems: [] },
    lint: [],
  });
  expect(problems(report)).toEqual([]);
});

/** The recipe, with a foreign CA where people put one. Whoever has OpenSSL is let in all the same. */
const FOREIGN: Readonly<Record<'nginx' | 'haproxy' | 'apache', (text: string, foreign: string) => string>> = {
  nginx: (text, foreign) =>
    text.replace('ssl_verify_client', `ssl_client_certificate "${foreign}";\n    ssl_verify_client`),
  haproxy: (text) => text.replace(/ no-ca-names$/m, ''),
  apache: (text, foreign) =>
    text.replace('SSLVerifyClient', `SSLCACertificateFile "${foreign}"\n    SSLVerifyClient`),
};

describe.each((['nginx', 'haproxy', 'apache'] as const).filter(isInstalled))('%s', (kind) => {
  test('with the names of a foreign CA lets OpenSSL in, and API Gateway withholds its certificate', async () => {
    const report = await verify(kind, {
      trustFile: recipes[kind].trustFile,
      configuration: async (options) =>
        FOREIGN[kind](await recipes[kind].configuration(options), options.certificateFile),
    });
    expect(report).toMatchObject({
      verdict: 'enforced',
      withCertificate: { kind: 'answered', status: 200 },
      javaClient: { answers: false },
      lint: ['CertificateWithheld refused'],
    });
    expect(problems(report)).toEqual(['CertificateWithheld']);
    expect(report.caNames).toContain('CN=apigw-cert throwaway CA');
  });
});

(isInstalled('apache') ? test : test.skip).each([
  ['-all +TLSv1.2 +TLSv1.3', 'LateRequest', 'refused'],
  ['-all +TLSv1.2', 'LateRequestTls12', 'unknown'],
])('apache that asks for one path only, %s: %s', async (protocols, problem, result) => {
  const report = await verify('apache', {
    trustFile: recipes.apache.trustFile,
    configuration: async (options) =>
      (await recipes.apache.configuration(options))
        .replace('-all +TLSv1.2 +TLSv1.3', protocols)
        .replace(/^ *SSLVerifyClient.*\n/m, '')
        .replace('Require all denied', 'SSLVerifyClient optional_no_ca\n        Require all denied'),
  });
  expect(report).toMatchObject({
    verdict: 'unclear',
    reason: 'asksLate',
    asksForCertificate: false,
    lint: [`${problem} ${result}`],
  });
  expect(problems(report)).toEqual([problem]);
});
