import { TagResourceCommand, UpdateClientCertificateCommand } from '@aws-sdk/client-api-gateway';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { BINARY, cli, emulatorEnv } from '../support/cli.js';
import { attachCertificate, generateCertificate, makeApi, startLab, type Lab } from '../support/emulator.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { openssl } from '../support/openssl.js';

let directory: string;
let old: TestIdentity;
let fresh: TestIdentity;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-inspect-'));
  [old, fresh] = await Promise.all([mintIdentity('a1b2c3', 340), mintIdentity('d4e5f6', 1)]);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const iso = (date: Date): string => date.toISOString();

describe('inspect of files, without AWS', () => {
  test('prints what people ask of openssl', async () => {
    const path = file('one.pem', old.certificate.pem);
    const { code, stdout, stderr } = await cli(['inspect', path]);
    expect([code, stderr]).toEqual([0, '']);
    const { certificate } = old;
    const seconds = (date: Date): string => iso(date).replace('.000Z', 'Z');
    expect(stdout.split('\n').map((line) => line.replace(/ {2,}/, ' | '))).toEqual([
      'certificate | 1 of 1, line 1',
      'status | warning, 24 days left',
      `valid from | ${seconds(certificate.notBefore)}`,
      `expires | ${seconds(certificate.notAfter)}`,
      'subject | C=US, L=Seattle, CN=ApiGateway',
      'issuer | C=US, L=Seattle, CN=ApiGateway',
      `serial number | ${certificate.serialNumber}`,
      'version | 3',
      'public key | RSA 2048',
      'signature | sha256WithRSAEncryption',
      'extensions | none',
      `SHA-256 | ${certificate.fingerprintSha256}`,
      `SHA-1 | ${certificate.fingerprintSha1}`,
      `SPKI pin | ${certificate.spkiPin}`,
      '',
    ]);
  });

  test('shows every certificate of a bundle, from stdin, and warns of the trap and of glued blocks', async () => {
    const glued = old.certificate.pem.trimEnd() + fresh.certificate.pem;
    const { code, stdout, stderr } = await cli(['inspect', '-'], { input: glued });
    expect(code).toBe(0);
    expect(stdout.match(/^certificate .*/gm)).toHaveLength(2);
    expect(stdout).toContain(old.certificate.fingerprintSha256);
    expect(stdout).toContain(fresh.certificate.fingerprintSha256);
    expect(stderr).toMatch(
      /^warning: stdin:1: 2 × C=US, L=Seattle, CN=ApiGateway: .*\[SharedSubject\]\n {2}fix: /m,
    );
    expect(stderr).toMatch(/^warning: stdin:\d+: BEGIN CERTIFICATE is not at the start of its line/m);
  });

  test('answers JSON with AWS-like names, from DER', async () => {
    const path = file('one.der', new X509Certificate(old.certificate.pem).raw);
    const { code, stdout } = await cli(['inspect', path, '--output', 'json']);
    expect(code).toBe(0);
    const { certificate } = old;
    expect(JSON.parse(stdout)).toEqual({
      items: [
        {
          line: 1,
          status: 'warning',
          daysLeft: 24,
          subject: 'C=US, L=Seattle, CN=ApiGateway',
          issuer: 'C=US, L=Seattle, CN=ApiGateway',
          serialNumber: certificate.serialNumber,
          notBefore: iso(certificate.notBefore),
          notAfter: iso(certificate.notAfter),
          fingerprintSha256: certificate.fingerprintSha256,
          fingerprintSha1: certificate.fingerprintSha1,
          spkiPin: certificate.spkiPin,
          version: 3,
          publicKey: 'RSA 2048',
          signatureAlgorithm: 'sha256WithRSAEncryption',
          extensions: [],
        },
      ],
      findings: [],
    });
  });

  test('never prints a private key, and says that one is there', async () => {
    const path = file('both.pem', old.privateKeyPem + old.certificate.pem);
    const { code, stdout, stderr } = await cli(['inspect', path, '--debug']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: .*both\.pem:1: a private key does not belong .*\[PrivateKey\]/m);
    const secret = old.privateKeyPem.split('\n')[3] ?? '';
    expect(secret).toHaveLength(64);
    expect(stdout + stderr).not.toContain(secret);
  });

  test('says that a certificate has expired, and shows a negative serial number whole', async () => {
    const expired = await mintIdentity('e1f2a3', 400);
    const [key, cert] = [file('old.key', expired.privateKeyPem), file('old.pem', expired.certificate.pem)];
    expect((await cli(['inspect', cert])).stdout).toMatch(/^status +expired$/m);
    const negative = openssl(['x509', '-in', cert, '-signkey', key, '-set_serial', '-32769']);
    expect((await cli(['inspect', '-'], { input: negative })).stdout).toMatch(/^serial number +-80:01$/m);
  });

  test.each(['/dev/zero', '-'])('does not read without end from %s', async (target) => {
    const { exitCode, stderr } = await execa(process.execPath, [BINARY, 'inspect', target], {
      stdin: { file: '/dev/zero' },
      env: { PATH: process.env['PATH'] },
      extendEnv: false,
      reject: false,
      timeout: 20_000,
    });
    expect(stderr).toMatch(/^error: .* is too large for a certificate file\n {2}fix: /);
    expect(exitCode).toBe(1);
  });

  test.each<[string, string | Uint8Array | undefined, string, RegExp]>([
    ['empty.pem', '', 'CertificateUnreadable', /a certificate file is PEM/],
    [
      'broken.pem',
      '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n',
      'CertificateUnreadable',
      /line 2/,
    ],
    ['absent.pem', undefined, 'FileNotReadable', /specify a certificate file/],
    ['utf16.pem', Buffer.from('\ufeffCERTIFICATE', 'utf16le'), 'CertificateUnreadable', /UTF-16/],
    ['request.der', Buffer.from('3082000100', 'hex'), 'CertificateUnreadable', /not a certificate/],
  ])('refuses %s with a remedy', async (name, content, expected, hint) => {
    const path = content === undefined ? join(directory, name) : file(name, content);
    const { code, stdout, stderr } = await cli(['inspect', path, '--output', 'json']);
    expect(code).toBe(1);
    const { error } = JSON.parse(stdout) as { error: { code: string; hint: string; message: string } };
    expect(error.code).toBe(expected);
    expect(error.message).toContain(name);
    expect(error.hint).toMatch(hint);
    expect(stderr).toContain(error.message);
  });
});

describe('inspect of an id', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab();
  });
  afterAll(async () => {
    await lab.close();
  });

  const inspect = (id: string, ...options: string[]) =>
    cli(['inspect', id, ...options], { env: emulatorEnv(lab.emulator) });

  test('shows description, tags and every stage that presents it, whatever outsiders wrote there', async () => {
    const { client, certificate } = lab;
    const patch = { op: 'replace', path: '/description', value: 'for \u001b[31morders\nnow' } as const;
    const clientCertificateId = certificate.id;
    await client.send(new UpdateClientCertificateCommand({ clientCertificateId, patchOperations: [patch] }));
    const resourceArn = `arn:aws:apigateway:eu-central-1::/clientcertificates/${clientCertificateId}`;
    await client.send(new TagResourceCommand({ resourceArn, tags: { team: 'orders' } }));
    const second = await makeApi(lab.emulator, client, lab.backend.url, {
      name: 'billing',
      stageName: 'live',
    });
    await attachCertificate(client, second, clientCertificateId);

    const { code, stdout, stderr } = await inspect(certificate.id);
    expect([code, stderr]).toEqual([
      0,
      `account of the access key AKIDTEST, Region eu-central-1, endpoint http://localhost:${new URL(lab.emulator.url).port}\n`,
    ]);
    expect(stdout).toContain(certificate.fingerprint);
    expect(stdout).toMatch(/^description +for \\x1b\[31morders\\x0anow$/m);
    expect(stdout).toMatch(/^tags +team=orders$/m);
    const uses = stdout.slice(stdout.indexOf('used by')).trim().split('\n');
    expect(uses.map((line) => line.replace(/^used by/, '').trim()).sort()).toEqual(
      [`billing/live (${second.restApiId})`, `orders/prod (${lab.api.restApiId})`].sort(),
    );
  });

  test('has in JSON the names of AWS and ours', async () => {
    const unused = await generateCertificate(lab.client);
    const { stdout } = await inspect(unused.id, '--output', 'json');
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(document).toMatchObject({
      clientCertificateId: unused.id,
      tags: {},
      daysLeft: 364,
      status: 'ok',
      fingerprintSha256: unused.fingerprint,
      subject: 'C=US, L=Seattle, CN=ApiGateway',
      issuer: 'C=US, L=Seattle, CN=ApiGateway',
      publicKey: 'RSA 2048',
      extensions: [],
      usedBy: [],
    });
    expect(document['notAfter']).toBe(document['expirationDate']);
    expect(document['notBefore']).toBe(document['createdDate']);
    expect(document).not.toHaveProperty('pemEncodedCertificate');
  });

  test.each([
    ['zzzzzz', /apigw-cert list/],
    ['arn:aws:acm:eu-central-1:123456789012:certificate/1', /aws acm list-certificates/],
  ])('says that %s is none, and what to do', async (id, remedy) => {
    const { code, stdout, stderr } = await inspect(id);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(id);
    expect(stderr).toMatch(remedy);
  });

  test('says so when nobody answers', async () => {
    const { code, stderr } = await cli(['inspect', 'a1b2c3'], {
      env: emulatorEnv({ url: 'http://127.0.0.1:9' }),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: /);
  });
});
