import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recipes } from '../../src/trust/recipes/index.js';
import { mintClientCertificate } from '../../src/x509/mint.js';
import { trustedCertificate } from '../../src/x509/certificate.js';
import { cli } from '../support/cli.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { sarifErrors } from '../support/sarif.js';

let directory: string;
let old: TestIdentity;
let next: TestIdentity;
let expired: TestIdentity;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-lint-'));
  [old, next, expired] = await Promise.all([
    mintIdentity('a1b2c3', 340),
    mintIdentity('d4e5f6'),
    mintIdentity('expire', 400),
  ]);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

interface Found {
  format: string;
  findings: { code: string; severity: string; file: string; line: number }[];
}

async function lint(
  ...words: string[]
): Promise<{ code: number | undefined; format: string; found: string[] }> {
  const { code, json } = await cli(['backend', 'lint', ...words, '--output', 'json']);
  const { format, findings } = json() as Found;
  return { code, format, found: findings.map((each) => `${each.severity} ${each.code} ${each.line}`) };
}

describe('backend lint of certificates', () => {
  test('two of API Gateway in what OpenSSL reads as a CA bundle', async () => {
    const path = file('two.pem', old.certificate.pem + next.certificate.pem);
    expect(await lint(path)).toEqual({ code: 1, format: 'pem', found: ['error SharedSubject 1'] });
    expect(await lint(path, '--consumer', 'exact-list')).toEqual({ code: 0, format: 'pem', found: [] });
  });

  test('glued, expired, foreign, twice, a key, nothing', async () => {
    const foreign = await mintClientCertificate({ notBefore: new Date(), subject: 'CN=someone' });
    const pem = [
      old.certificate.pem.trimEnd(),
      expired.certificate.pem,
      trustedCertificate(foreign.pem).pem,
      old.certificate.pem,
      old.privateKeyPem,
    ].join('');
    const lines = old.certificate.pem.split('\n').length - 1;
    const short = trustedCertificate(foreign.pem).pem.split('\n').length - 1;
    expect(await lint(file('all.pem', pem), '--consumer', 'exact-list')).toEqual({
      code: 1,
      format: 'pem',
      found: [
        `error GluedPem ${lines}`,
        `error PrivateKey ${lines * 3 + short}`,
        `warning CertificateExpired ${lines}`,
        `warning ForeignCertificate ${2 * lines}`,
        `note DuplicateCertificate ${lines * 2 + short}`,
      ],
    });
    expect(await lint(file('empty.pem', ''))).toMatchObject({ code: 1, found: ['error EmptyBundle 1'] });
  });

  test('the key is not printed', async () => {
    const path = file('key.pem', old.privateKeyPem);
    const { stdout, stderr } = await cli(['backend', 'lint', path]);
    expect(stdout + stderr).not.toContain(old.privateKeyPem.split('\n')[1]);
  });
});

describe('backend lint of configurations', () => {
  test('the trap behind ssl_client_certificate, in the file that it names', async () => {
    file('ca.pem', old.certificate.pem + next.certificate.pem);
    file('one.pem', old.certificate.pem);
    const conf = file(
      'site.conf',
      'server {\n  ssl_verify_client on;\n  ssl_client_certificate ca.pem;\n}\nserver {\n  ssl_verify_client on;\n  ssl_client_certificate one.pem;\n}\n',
    );
    const { json, code } = await cli(['backend', 'lint', conf, '--output', 'json']);
    expect(code).toBe(1);
    expect((json() as Found).findings).toMatchObject([
      { code: 'SharedSubject', file: join(directory, 'ca.pem'), line: 1 },
      { code: 'CaBundleTrap', file: conf, line: 7 },
    ]);
  });

  test('a pin file of Apache that is empty, and one that is not exactly the PEM', async () => {
    file('empty', '');
    file('crlf', old.certificate.pem.replaceAll('\n', '\r\n'));
    file('exact', old.certificate.pem);
    const requires = ['empty', 'crlf', 'exact'].map(
      (name) => `Require expr "%{SSL_CLIENT_CERT} == file('${join(directory, name)}')"`,
    );
    const conf = file(
      'apache.conf',
      `SSLVerifyClient optional_no_ca\n<RequireAll>\nRequire expr "-n %{SSL_CLIENT_CERT}"\n<RequireAny>\n${requires.join('\n')}\n</RequireAny>\n</RequireAll>\n`,
    );
    const { json } = await cli(['backend', 'lint', conf, '--output', 'json']);
    expect((json() as Found).findings.map((each) => [each.code, each.file])).toEqual([
      ['PinNotExact', join(directory, 'crlf')],
      ['EmptyPinAdmits', join(directory, 'empty')],
    ]);
  });

  test.each(['nginx', 'haproxy', 'apache'] as const)(
    'finds nothing in our own recipe for %s',
    async (kind) => {
      const trustFile = file(`${kind}.trust`, recipes[kind].trustFile([old.certificate, next.certificate]));
      const conf = file(
        `${kind}.conf`,
        recipes[kind].configuration({
          listen: '127.0.0.1:443',
          serverName: 'localhost',
          certificateFile: '/srv/server.pem',
          privateKeyFile: '/srv/server.key',
          trustFile,
          upstream: '127.0.0.1:80',
        }),
      );
      expect(await lint(conf)).toEqual({ code: 0, format: kind, found: [] });
    },
  );

  test('says where, what and what to do', async () => {
    const conf = file(
      'haproxy.cfg',
      'frontend f\n  bind :443 ssl crt a verify required ca-file b crt-ignore-err all\n',
    );
    const { stdout, code } = await cli(['backend', 'lint', conf]);
    expect(code).toBe(1);
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      `${conf}:2: error: crt-ignore-err all: certificates that have expired are let in [AdmitsExpired]`,
      '  fix: ignore error 18 alone: crt-ignore-err 18',
    ]);
    expect(stdout).toContain('\nhaproxy: 2 errors\n');
  });

  test('control characters of a file do not reach the terminal', async () => {
    const conf = file('odd.conf', 'server { ssl_verify_client on; ssl_client_certificate "a\u001b[31mb"; }');
    const { stdout } = await cli(['backend', 'lint', conf]);
    expect(stdout).toContain('a\\x1b[31mb');
    expect(stdout).not.toContain('\u001b');
  });

  test.each([
    [['/nonexistent/nginx.conf'], 1, /nginx\.conf does not exist/],
    [['nginx'], 1, /^error: nginx does not exist\n {2}fix: /],
    [['/etc'], 1, /is a folder/],
    [['/etc/passwd'], 2, /is neither PEM nor a configuration .*\n {2}fix: say what it is: --format pem\|/],
  ])('%j', async (words, code, said) => {
    const result = await cli(['backend', 'lint', ...words]);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(said);
  });
});

test('--output sarif is valid by the schema of SARIF 2.1.0', async () => {
  const conf = file('a b.conf', 'server { ssl_verify_client optional; }');
  const { json, code } = await cli(['backend', 'lint', conf, '--output', 'sarif']);
  expect(code).toBe(1);
  expect(sarifErrors(json())).toEqual([]);
  expect(json()).toMatchObject({
    runs: [
      {
        results: [
          {
            ruleId: 'OptionalUnchecked',
            level: 'error',
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: conf.replace('a b', 'a%20b') },
                  region: { startLine: 1 },
                },
              },
            ],
          },
        ],
      },
    ],
  });
});
