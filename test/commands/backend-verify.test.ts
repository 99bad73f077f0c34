import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mintClientCertificate, mintServerCertificate } from '../../src/certificates/mint.js';
import { mintAuthority } from '../support/authority.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { cli } from '../support/cli.js';
import { startTlsServer, type TlsServer } from '../support/tls-server.js';

let directory: string;
let server: TlsServer | undefined;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-verify-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const CA = { notBefore: new Date(Date.now() - 3_600_000), dnsNames: ['x'] };
const anybody = { requestCert: true, rejectUnauthorized: false } as const;

function authority({ caPem }: TlsServer): string {
  const file = join(directory, 'ca.pem');
  writeFileSync(file, `# a bundle\n${caPem}${caPem}`);
  return file;
}

describe('backend verify', () => {
  test('a backend that enforces: verdict, reasons, exit 0', async () => {
    server = await startTlsServer({ requestCert: true });
    const { code, stdout, stderr } = await cli([
      'backend',
      'verify',
      server.url,
      '--expect',
      'enforced',
      '--backend-ca',
      authority(server),
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n').map((line) => line.replace(/ {2,}/, ' | '));
    expect(lines[0]).toMatch(/^ENFORCED: /);
    expect(lines).toContain('requests a certificate | yes');
    expect(lines).toContain('without a certificate | refused (TLS alert: certificate required)');
    expect(lines).toContain('API Gateway accepts it | yes');
  });

  test('one that asks nobody: exit 1 where another verdict is expected, 0 otherwise', async () => {
    server = await startTlsServer();
    const words = ['backend', 'verify', server.url, '--output', 'json'];
    const plain = await cli(words);
    expect(plain.code).toBe(0);
    expect(plain.json()).toMatchObject({
      verdict: 'notEnforced',
      reason: 'neverAsks',
      asksForCertificate: false,
      caNames: [],
      withoutCertificate: { kind: 'answered', status: 200 },
      protocol: 'TLSv1.3',
      server: { problems: ['unknownIssuer'], acceptedByApiGateway: false, daysLeft: 87 },
    });
    expect((await cli([...words, '--expect', 'enforced'])).code).toBe(1);
  });

  test('one that takes the name for the proof', async () => {
    server = await startTlsServer(anybody, ({ socket }, response) => {
      const subject = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.subject : undefined;
      response.writeHead(subject?.includes('CN=ApiGateway') ? 200 : 403).end();
    });
    const { stdout } = await cli(['backend', 'verify', server.url]);
    expect(stdout).toMatch(/^NOT ENFORCED: the backend accepts any certificate with the name/);
  });

  test('a certificate of its own that has ended, for another host', async () => {
    server = await startTlsServer({ days: 1, dnsNames: ['elsewhere.example'] });
    const { json } = await cli(['backend', 'verify', server.url, '--output', 'json']);
    expect(json()).toMatchObject({ server: { problems: ['expired', 'wrongHost', 'unknownIssuer'] } });
  });

  describe("how API Gateway's kind of client is asked", () => {
    const verify = async (url: string, ...words: string[]): Promise<Asked> => {
      const { code, json } = await cli(['backend', 'verify', url, '--output', 'json', ...words]);
      const report = json() as { javaClient: { answers: boolean | null }; findings: { code: string }[] };
      return {
        code,
        answers: report.javaClient.answers,
        problems: report.findings.map((each) => each.code).filter(isOurs),
      };
    };
    // The servers here are called by a name without a dot.
    const isOurs = (problem: string): boolean => problem !== 'ServerNameNotSent';
    interface Asked {
      code: number | undefined;
      answers: boolean | null;
      problems: string[];
    }

    test.each([{ maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }, {}] as const)(
      'CA names without its issuer withhold its certificate, %j',
      async (version) => {
        const [ours, foreign] = await Promise.all([mintIdentity('a1b2c3'), mintServerCertificate(CA)]);
        const start = (ca: string[]): Promise<TlsServer> =>
          startTlsServer({ ...version, ...anybody, ca, requestCert: true });
        const cases: [string[], Asked][] = [
          [[foreign.caPem], { code: 1, answers: false, problems: ['CertificateWithheld'] }],
          [[foreign.caPem, ours.certificate.pem], { code: 0, answers: true, problems: [] }],
          [[], { code: 0, answers: true, problems: [] }],
        ];
        for (const [ca, expected] of cases) {
          server = await start(ca);
          expect(await verify(server.url)).toEqual(expected);
          if (expected.code === 1) {
            const { stdout } = await cli(['backend', 'verify', server.url]);
            expect(stdout).toMatch(/^announced CA names +CN=apigw-cert throwaway CA\n/m);
            expect(stdout).toMatch(/^a Java client +would withhold its certificate$/m);
            expect(stdout).toMatch(
              /^critical: API Gateway withholds .*\[CertificateWithheld\]\n {2}fix: .*:\n {4}nginx: /m,
            );
          }
          await server.close();
        }
        server = undefined;
      },
    );

    test('another order of the same parts is another name', async () => {
      const { pem } = await mintClientCertificate({
        notBefore: new Date(),
        subject: 'CN=ApiGateway, L=Seattle, C=US',
      });
      server = await startTlsServer({ ...anybody, ca: [pem] });
      expect(await verify(server.url)).toMatchObject({ code: 1, problems: ['CertificateWithheld'] });
    });

    test('more names than Java reads', async () => {
      const parts = Array.from({ length: 60 }, (_, index) => `OU=${'x'.repeat(60)}${index}`).join(', ');
      const many = await Promise.all(
        Array.from({ length: 9 }, (_, index) =>
          mintClientCertificate({ notBefore: new Date(), subject: `${parts}, CN=${index}` }),
        ),
      );
      const ours = await mintIdentity('a1b2c3');
      server = await startTlsServer({
        ...anybody,
        ca: [ours.certificate.pem, ...many.map(({ pem }) => pem)],
      });
      expect(await verify(server.url)).toEqual({ code: 1, answers: true, problems: ['CaNamesTooLarge'] });
    });

    test('a host name without a dot is named', async () => {
      server = await startTlsServer(anybody);
      const { stdout, code } = await cli(['backend', 'verify', server.url]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^warning: a Java client sends no server name .*\[ServerNameNotSent\]/m);
    });
  });

  test('of a refused certificate without its issuer, the missing intermediate is named', async () => {
    const authority = await mintAuthority();
    const leaf = await authority.issue('CN=gateway,O=Example');
    server = await startTlsServer({ ...anybody, ca: authority.root.pem }, ({ socket }, response) => {
      response.writeHead(socket instanceof TLSSocket && socket.authorized ? 200 : 403).end();
    });
    const [cert, key] = [join(directory, 'leaf.pem'), join(directory, 'leaf.key')];
    writeFileSync(key, leaf.privateKeyPem);
    const words = ['backend', 'verify', server.url, '--cert', cert, '--key', key];
    writeFileSync(cert, leaf.chainPem);
    const whole = await cli(words);
    expect(whole.stdout).toMatch(/^with the one of --cert +HTTP 200$/m);
    expect(whole.stderr).not.toContain('issuer');
    writeFileSync(cert, leaf.pem);
    const refused = await cli(words);
    expect(refused.stdout).toMatch(/^with the one of --cert +HTTP 403$/m);
    expect(refused.stderr).toContain('its issuer, CN=Example Issuing, O=Example: unless this is the root');
  });

  test('a certificate of one’s own proves acceptance, or not', async () => {
    const [own, stranger] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    server = await startTlsServer(anybody, ({ socket }, response) => {
      const presented = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      response.writeHead(presented?.fingerprint256 === own.certificate.fingerprintSha256 ? 200 : 403).end();
    });
    const { url } = server;
    const files = (identity: TestIdentity): string[] => {
      const [cert, key] = [join(directory, 'own.pem'), join(directory, 'own.key')];
      writeFileSync(cert, identity.certificate.pem);
      writeFileSync(key, identity.privateKeyPem);
      return ['--cert', cert, '--key', key];
    };
    const accepted = await cli(['backend', 'verify', url, ...files(own)]);
    expect(accepted.code).toBe(0);
    expect(accepted.stdout).toMatch(/^with the one of --cert +HTTP 200$/m);
    const refused = await cli(['backend', 'verify', url, '--output', 'json', ...files(stranger)]);
    expect(refused.code).toBe(1);
    expect(refused.json()).toMatchObject({ verdict: 'enforced', withCertificate: { status: 403 } });

    const half = await cli(['backend', 'verify', url, '--cert', join(directory, 'own.pem')]);
    expect([half.code, half.stderr]).toEqual([2, expect.stringMatching(/^error: --cert and --key must/)]);
    files(own);
    writeFileSync(join(directory, 'own.key'), stranger.privateKeyPem);
    const mixed = await cli([
      'backend',
      'verify',
      url,
      '--cert',
      join(directory, 'own.pem'),
      '--key',
      join(directory, 'own.key'),
    ]);
    expect([mixed.code, mixed.stderr]).toEqual([
      1,
      expect.stringMatching(/does not belong to the certificate/),
    ]);
    expect(mixed.stderr).not.toContain('PRIVATE');
  });

  test.each([
    [['http://localhost/'], 2, /"http:\/\/localhost\/" is not an https URL\n {2}fix: specify a URL/],
    [['localhost:443'], 2, /is not an https URL/],
    [['https://user:secret@localhost/'], 2, /^error: the URL must not contain a user or a password\n/],
    [['https://localhost:1/'], 1, /^error: localhost:1: connect ECONNREFUSED .*\n {2}fix: check the name/],
    [
      ['https://localhost:1/', '--backend-ca', '/nonexistent/ca'],
      1,
      /cannot be read\n {2}fix: specify a PEM/,
    ],
    [['https://localhost:1/', '--expect', 'maybe'], 2, /Allowed choices are enforced/],
  ])('%j is told what is wrong with it', async (words, code, said) => {
    const result = await cli(['backend', 'verify', ...words]);
    expect(result.stderr).toMatch(said);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
  });
});
