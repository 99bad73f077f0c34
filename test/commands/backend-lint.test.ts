import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recipes } from '../support/recipes.js';
import { mintClientCertificate } from '../../src/certificates/mint.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { cli } from '../support/cli.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { sarifErrors } from '../support/sarif.js';

const SERVERS = ['nginx', 'haproxy', 'apache'] as const;

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
    expect(await lint(path)).toEqual({ code: 1, format: 'pem', found: ['critical SharedSubject 1'] });
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
        `critical GluedPem ${lines}`,
        `critical PrivateKey ${lines * 3 + short}`,
        `warning CertificateExpired ${lines}`,
        `warning ForeignCertificate ${2 * lines}`,
        `info DuplicateCertificate ${lines * 2 + short}`,
      ],
    });
    expect(await lint(file('empty.pem', ''))).toMatchObject({ code: 1, found: ['critical EmptyBundle 1'] });
  });

  test('the key is not printed', async () => {
    const path = file('key.pem', old.privateKeyPem);
    const { stdout, stderr } = await cli(['backend', 'lint', path]);
    expect(stdout + stderr).not.toContain(old.privateKeyPem.split('\n')[1]);
  });
});

describe('backend lint of configurations', () => {
  test('the trap behind ssl_client_certificate, and the warning about the next one', async () => {
    const two = file('ca.pem', old.certificate.pem + next.certificate.pem);
    file('one.pem', old.certificate.pem);
    const conf = file(
      'site.conf',
      'server {\n  listen 443 ssl;\n  ssl_verify_client on;\n  ssl_client_certificate ca.pem;\n}\nserver {\n  listen 8443 ssl;\n  ssl_verify_client on;\n  ssl_client_certificate one.pem;\n}\n',
    );
    const { json, code } = await cli(['backend', 'lint', conf, '--output', 'json']);
    expect(code).toBe(1);
    const report = json() as Found & { verdict: string; listeners: { listener: string; verdict: string }[] };
    expect(report.verdict).toBe('trap');
    expect(report.listeners.map(({ listener, verdict }) => [listener, verdict])).toEqual([
      [':443', 'trap'],
      [':8443', 'enforces'],
    ]);
    expect(report.findings).toMatchObject([
      { code: 'SharedSubject', file: conf, line: 2 },
      { code: 'CaBundleTrap', file: conf, line: 8 },
    ]);
    expect(two).toBe(join(directory, 'ca.pem'));
  });

  test.each(SERVERS)('our own recipe for %s enforces', async (kind) => {
    const trustFile = file(`${kind}.trust`, recipes[kind].trustFile([old.certificate, next.certificate]));
    const conf = file(
      `${kind}.conf`,
      await recipes[kind].configuration({
        listen: '127.0.0.1:443',
        serverName: 'localhost',
        certificateFile: file('server.pem', old.certificate.pem),
        privateKeyFile: '/srv/server.key',
        trustFile,
        upstream: '127.0.0.1:80',
      }),
    );
    const { json, code } = await cli(['backend', 'lint', conf, '--output', 'json', '--strict']);
    const { verdict, format, findings } = json() as Found & { verdict: string };
    expect({ code, verdict, format, findings }).toEqual({
      code: 0,
      verdict: 'enforces',
      format: kind,
      findings: [],
    });
  });

  test('says who is admitted, by which request, and by which lines', async () => {
    const conf = file(
      'open.conf',
      'server {\n  listen 443 ssl;\n  ssl_verify_client optional_no_ca;\n  if ($ssl_client_escaped_cert = "") { return 403; }\n  location /health { proxy_pass http://app; }\n}\n',
    );
    const { stdout, code } = await cli(['backend', 'lint', conf]);
    expect(code).toBe(1);
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      `${conf}:2: :443: open: a certificate with the same name and another key is admitted by GET /apigw-cert`,
      `    ${conf}:3: ssl_verify_client optional_no_ca`,
      `    ${conf}:4: if ($ssl_client_escaped_cert = "") {…} does not hold`,
      `    ${conf}:1: server {…}: files are served`,
      'nginx: open: an unlisted caller is admitted',
    ]);
  });

  test('what is not understood exits 0, and 1 with --strict; the next command is named', async () => {
    const conf = file(
      'lua.conf',
      'server {\n  listen 8443 ssl;\n  server_name orders.example.com;\n  ssl_verify_client optional_no_ca;\n  location / { access_by_lua_block { if x then ngx.exit(403) end } proxy_pass http://app; }\n}\n',
    );
    const relaxed = await cli(['backend', 'lint', conf]);
    expect(relaxed.code).toBe(0);
    expect(relaxed.stdout.split('\n').slice(0, 3)).toEqual([
      `${conf}:2: :8443: cannotTell: access_by_lua_block is not supported (line 5)`,
      '  next: apigw-cert backend verify https://orders.example.com:8443/ --expect enforced',
      'nginx: cannotTell: the configuration alone does not show who is admitted',
    ]);
    expect((await cli(['backend', 'lint', conf, '--strict'])).code).toBe(1);
  });

  test.each([
    ['app.py', 'import ssl\nglobal counter\n', 'a Python program'],
    ['envoy.yaml', 'static_resources:\n  listeners: []\n', 'an Envoy configuration'],
    [
      'ingress.yaml',
      'apiVersion: networking.k8s.io/v1\nmetadata:\n  annotations:\n    nginx.ingress.kubernetes.io/auth-tls-verify-client: "on"\n',
      'Kubernetes ingress annotations',
    ],
    ['traefik.yaml', 'http:\n  routers:\n    a: {}\n', 'a Traefik configuration'],
    ['notes.txt', 'nothing that a server reads\n', 'not a recognized configuration'],
  ])('%s is named for what it is', async (name, content, kind) => {
    const { json, code } = await cli(['backend', 'lint', file(name, content), '--output', 'json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject({ format: 'other', kind, verdict: 'cannotTell', listeners: [] });
  });

  test('control characters of a file do not reach the terminal', async () => {
    const conf = file(
      'odd.conf',
      'server { listen 443 ssl; ssl_verify_client on; ssl_client_certificate "a\u001b[31mb"; }',
    );
    const { stdout } = await cli(['backend', 'lint', conf]);
    expect(stdout).toContain('a\\x1b[31mb');
    expect(stdout).not.toContain('\u001b');
  });

  test.each([
    [['/nonexistent/nginx.conf'], 1, /nginx\.conf does not exist/],
    [['nginx'], 1, /^error: nginx does not exist\n {2}fix: /],
    [['/etc'], 1, /is a directory/],
  ])('%j', async (words, code, said) => {
    const result = await cli(['backend', 'lint', ...words]);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(said);
  });
});

test('--output sarif is valid by the schema of SARIF 2.1.0', async () => {
  const conf = file('a b.conf', 'server { listen 443 ssl; ssl_verify_client optional_no_ca; }');
  const { json, code } = await cli(['backend', 'lint', conf, '--output', 'sarif']);
  expect(code).toBe(1);
  expect(sarifErrors(json())).toEqual([]);
  expect(json()).toMatchObject({
    runs: [
      {
        results: [
          {
            ruleId: 'Open',
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
