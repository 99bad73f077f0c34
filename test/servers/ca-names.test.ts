/** What real servers announce, and what API Gateway's kind of client makes of it. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { verifyBackend, type BackendReport } from '../../src/app/backend-verify.js';
import { recipes } from '../../src/trust/recipes/index.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { isInstalled, startServer, type Configured, type ServerKind } from '../support/real-server.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await mintIdentity('a1b2c3');
});

async function verify(kind: ServerKind, configured?: Configured): Promise<BackendReport> {
  const { certificate, privateKeyPem } = identity;
  const server = await startServer(kind, [certificate], configured);
  try {
    return await verifyBackend(
      `https://localhost:${server.port}/`,
      {
        backendCas: [Buffer.from(server.caPem)],
        own: { certificate: Buffer.from(certificate.pem), privateKey: Buffer.from(privateKeyPem) },
      },
      () => new Date(),
    );
  } finally {
    await server.stop();
  }
}

/** Called by a name without a dot, which is another matter. */
const problems = ({ javaClient }: BackendReport): string[] =>
  javaClient.problems.filter((problem) => problem !== 'ServerNameNotSent');

const KINDS = (['nginx', 'haproxy', 'apache', 'caddy'] as const).filter(isInstalled);

test.each(KINDS)('%s as printed: a Java client presents its certificate and is let in', async (kind) => {
  const report = await verify(kind);
  expect(report).toMatchObject({
    verdict: 'enforced',
    javaClient: { answers: true },
    withCertificate: { kind: 'answered', status: 200 },
    server: { problems: [] },
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
      configuration: (options) =>
        FOREIGN[kind](recipes[kind].configuration(options), options.certificateFile),
    });
    expect(report).toMatchObject({
      verdict: 'enforced',
      withCertificate: { kind: 'answered', status: 200 },
      javaClient: { answers: false },
    });
    expect(problems(report)).toEqual(['CertificateWithheld']);
    expect(report.caNames).toContain('CN=apigw-cert throwaway CA');
  });
});

(isInstalled('apache') ? test : test.skip).each([
  ['-all +TLSv1.2 +TLSv1.3', 'LateRequest'],
  ['-all +TLSv1.2', 'LateRequestTls12'],
])('apache that asks for one path only, %s: %s', async (protocols, problem) => {
  const report = await verify('apache', {
    trustFile: recipes.apache.trustFile,
    configuration: (options) =>
      recipes.apache
        .configuration(options)
        .replace('-all +TLSv1.2 +TLSv1.3', protocols)
        .replace(/^ *SSLVerifyClient.*\n/m, '')
        .replace('Require all denied', 'SSLVerifyClient optional_no_ca\n        Require all denied'),
  });
  expect(report).toMatchObject({ verdict: 'unclear', reason: 'asksLate', asksForCertificate: false });
  expect(problems(report)).toEqual([problem]);
});
