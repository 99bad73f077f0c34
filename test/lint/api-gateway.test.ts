/** API Gateway's kind of client in what lint says: the findings, their places, and the exit code that follows. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lintBackend, type LintFormat } from '../../src/commands/backend/lint/run.js';
import { LARGEST_HANDSHAKE_MESSAGE } from '../../src/findings/java-client.js';
import { mintClientCertificate } from '../../src/certificates/mint.js';
import { cli } from '../support/cli.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';

let folder: string;
let agw: TestIdentity;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-java-'));
  agw = await mintIdentity('a1b2c3');
  const mint = async (name: string, subject: string): Promise<string> => {
    const { pem } = await mintClientCertificate({ notBefore: new Date(), subject });
    writeFileSync(join(folder, name), pem);
    return pem;
  };
  writeFileSync(join(folder, 'agw.pem'), agw.certificate.pem);
  const foreign = await mint('foreign.pem', 'O=Acme, CN=Acme Root');
  await mint('turned.pem', 'CN=ApiGateway, L=Seattle, C=US');
  writeFileSync(join(folder, 'beside.pem'), foreign + agw.certificate.pem);
  const many = await mint('large.pem', `O=${'x'.repeat(LARGEST_HANDSHAKE_MESSAGE)}`);
  writeFileSync(join(folder, 'many.pem'), agw.certificate.pem + many);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const nginx = (text: string): string =>
  `http {\n  server { listen 443 ssl; server_name orders.example.com;\n    ${text}\n    location / { proxy_pass http://127.0.0.1:1; } } }\n`;
const haproxy = (options: string, rules = ''): string =>
  `frontend f\n  mode http\n  bind :443 ssl crt s.pem ${options}\n${rules}  default_backend app\nbackend app\n  mode http\n  server a 127.0.0.1:1\n`;
const apache = (text: string): string =>
  `<VirtualHost *:443>\nSSLEngine on\nProxyPass / http://127.0.0.1:1/\n${text}\n</VirtualHost>\n`;

const PIN = (): string => agw.certificate.fingerprintSha256.replaceAll(':', '').toLowerCase();
const PINNED = (): string => `  http-request deny unless { ssl_c_der,sha2(256),hex,lower ${PIN()} }\n`;

const CASES: readonly [what: string, format: LintFormat, text: () => string, found: string[]][] = [
  [
    'nginx verifies by one file and announces another',
    'nginx',
    () =>
      nginx(
        'ssl_verify_client on; ssl_client_certificate foreign.pem;\n    ssl_trusted_certificate agw.pem;',
      ),
    ['CertificateWithheld 3'],
  ],
  [
    'nginx announces nothing',
    'nginx',
    () =>
      nginx(
        'ssl_verify_client optional_no_ca; ssl_trusted_certificate agw.pem;\n    if ($ssl_client_verify != SUCCESS) { return 403; }',
      ),
    [],
  ],
  [
    'a foreign name beside the right one does no harm',
    'nginx',
    () => nginx('ssl_verify_client on; ssl_client_certificate beside.pem;'),
    [],
  ],
  [
    'another order of the name is another name',
    'nginx',
    () =>
      nginx('ssl_verify_client on; ssl_client_certificate turned.pem;\n    ssl_trusted_certificate agw.pem;'),
    ['CertificateWithheld 3'],
  ],
  [
    'whoever has no certificate is admitted as well: API Gateway is',
    'nginx',
    () =>
      nginx(
        'ssl_verify_client optional; ssl_client_certificate foreign.pem; ssl_trusted_certificate agw.pem;',
      ),
    [],
  ],
  [
    'the application is told, and decides',
    'nginx',
    () =>
      nginx(
        'ssl_verify_client optional; ssl_client_certificate foreign.pem; ssl_trusted_certificate agw.pem;\n    proxy_set_header X-Client-Verify $ssl_client_verify;',
      ),
    ['ApiGatewayUnclear 3'],
  ],
  [
    'what is announced cannot be read',
    'nginx',
    () => nginx('ssl_verify_client on; ssl_client_certificate gone.pem; ssl_trusted_certificate agw.pem;'),
    ['ApiGatewayUnclear 3'],
  ],
  [
    'more names than Java reads',
    'nginx',
    () =>
      nginx(
        'ssl_verify_client optional; ssl_client_certificate many.pem;\n    if ($ssl_client_s_dn = "") { return 403; }',
      ),
    ['CaNamesTooLarge 3'],
  ],
  [
    'HAProxy pins by a fingerprint behind a foreign ca-file',
    'haproxy',
    () => haproxy('verify optional ca-file foreign.pem crt-ignore-err 18', PINNED()),
    ['CertificateWithheld 3'],
  ],
  [
    'the same with no-ca-names',
    'haproxy',
    () => haproxy('verify optional ca-file foreign.pem crt-ignore-err 18 no-ca-names', PINNED()),
    [],
  ],
  [
    'HAProxy verifies by ca-verify-file beside a foreign ca-file',
    'haproxy',
    () => haproxy('verify required ca-file foreign.pem ca-verify-file agw.pem'),
    ['CertificateWithheld 3'],
  ],
  [
    'the authorities of the system',
    'haproxy',
    () => haproxy('verify optional ca-file @system-ca crt-ignore-err 18', PINNED()),
    ['ApiGatewayUnclear 3'],
  ],
  [
    'Apache announces what SSLCADNRequestFile says',
    'apache',
    () => apache('SSLVerifyClient require\nSSLCACertificateFile agw.pem\nSSLCADNRequestFile foreign.pem'),
    ['CertificateWithheld 6'],
  ],
  [
    'the remedy for it',
    'apache',
    () => apache('SSLVerifyClient require\nSSLCACertificateFile agw.pem\nSSLCADNRequestFile agw.pem'),
    [],
  ],
  [
    'Apache asks for one path alone',
    'apache',
    () => apache('SSLCACertificateFile agw.pem\n<Location /orders>\nSSLVerifyClient require\n</Location>'),
    ['LateRequest 6'],
  ],
  [
    'the same under TLS 1.2',
    'apache',
    () =>
      apache(
        'SSLProtocol all -TLSv1.3\nSSLCACertificateFile agw.pem\n<Location /orders>\nSSLVerifyClient require\n</Location>',
      ),
    ['LateRequestTls12 7'],
  ],
  [
    'a section asks for no more than its host',
    'apache',
    () =>
      apache(
        'SSLVerifyClient require\nSSLCACertificateFile agw.pem\n<Location /orders>\nSSLVerifyClient require\n</Location>',
      ),
    [],
  ],
];

const JAVA = /^(?:ApiGatewayUnclear|CaNames|CertificateWithheld|LateRequest)/;

test.each(CASES)('%s (%s)', async (_what, format, text, found) => {
  const file = join(folder, `${format}.conf`);
  const report = await lintBackend(
    { file, bytes: Buffer.from(text()), format, consumer: 'openssl-ca-bundle' },
    () => new Date(),
  );
  const about = report.findings.filter(({ code }) => JAVA.test(code));
  expect(about.map(({ code, line }) => `${code} ${line}`)).toEqual(found);
  const isRefused = report.listeners.some(({ apiGateway = [] }) =>
    apiGateway.some(({ result }) => result === 'refused'),
  );
  expect(isRefused).toBe(about.some(({ severity }) => severity === 'critical'));
});

test('each name of an address has its own answer', async () => {
  const text = `http {
  ssl_verify_client on; ssl_trusted_certificate agw.pem; ssl_client_certificate foreign.pem;
  server { listen 443 ssl; server_name a.example.com; ssl_client_certificate agw.pem; }
  server { listen 443 ssl; server_name b.example.com; }
}`;
  const file = join(folder, 'names.conf');
  const { listeners } = await lintBackend(
    { file, bytes: Buffer.from(text), format: 'nginx', consumer: 'openssl-ca-bundle' },
    () => new Date(),
  );
  expect(listeners.map(({ apiGateway }) => apiGateway)).toMatchObject([
    [
      {
        host: 'b.example.com',
        caNames: ['O=Acme, CN=Acme Root'],
        result: 'refused',
        problem: 'CertificateWithheld',
        line: 2,
      },
    ],
  ]);
});

test('the command says that API Gateway itself is refused, with the remedy for the server, and exits 1', async () => {
  const file = join(folder, 'site.cfg');
  writeFileSync(file, haproxy('verify required ca-file foreign.pem ca-verify-file agw.pem'));
  const { code, stdout } = await cli(['backend', 'lint', file]);
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /enforces: only listed .* are admitted; but API Gateway itself is refused: GET \/apigw-cert\n/,
  );
  expect(stdout).toMatch(/announces O=Acme, CN=Acme Root: API Gateway withholds .*\[CertificateWithheld\]\n/);
  expect(stdout).toMatch(/fix: announce .*: no-ca-names on the bind line/);
  expect(stdout).toMatch(/haproxy: enforces: .*; but API Gateway itself is refused\n$/);
  const json = (await cli(['backend', 'lint', file, '--output', 'json'])).json() as {
    verdict: string;
    listeners: { apiGateway: unknown }[];
  };
  expect(json).toMatchObject({
    verdict: 'enforces',
    listeners: [{ apiGateway: [{ result: 'refused', problem: 'CertificateWithheld' }] }],
  });
});
