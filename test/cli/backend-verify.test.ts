import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
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
    expect(lines).toContain('asks for a certificate | yes');
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
    expect(stdout).toMatch(/^NOT ENFORCED: it lets in anybody who makes a certificate with the name/);
  });

  test('a certificate of its own that has ended, for another host', async () => {
    server = await startTlsServer({ days: 1, dnsNames: ['elsewhere.example'] });
    const { json } = await cli(['backend', 'verify', server.url, '--output', 'json']);
    expect(json()).toMatchObject({ server: { problems: ['expired', 'wrongHost', 'unknownIssuer'] } });
  });

  test.each([
    [['http://localhost/'], 2, /"http:\/\/localhost\/" is not an https URL\n {2}fix: write it as/],
    [['localhost:443'], 2, /is not an https URL/],
    [['https://user:secret@localhost/'], 2, /^error: a URL with a password in it is not used\n/],
    [['https://localhost:1/'], 1, /^error: localhost:1: connect ECONNREFUSED .*\n {2}fix: check the name/],
    [['https://localhost:1/', '--backend-ca', '/nonexistent/ca'], 1, /cannot be read\n {2}fix: name a PEM/],
    [['https://localhost:1/', '--expect', 'maybe'], 2, /Allowed choices are enforced/],
  ])('%j is told what is wrong with it', async (words, code, said) => {
    const result = await cli(['backend', 'verify', ...words]);
    expect(result.stderr).toMatch(said);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
  });
});
