import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readBundle } from '../../src/certificates/bundle.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { generateCertificate, startLab, type GeneratedCertificate, type Lab } from '../support/emulator.js';
import { openssl } from '../support/openssl.js';

let lab: Lab;
let one: GeneratedCertificate;
let two: GeneratedCertificate;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-download-'));
  lab = await startLab();
  one = lab.certificate;
  two = await generateCertificate(lab.client);
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await lab.close();
});

const download = (...args: string[]) => cli(['download', ...args], { env: emulatorEnv(lab.emulator) });
/** Says whose certificates they are, apart from the result. */
const where = (): string =>
  `account of the access key AKIDTEST, Region eu-central-1, endpoint ${lab.emulator.url.replace('127.0.0.1', 'localhost')}\n`;
const at = (name: string): string => join(directory, name);

test('prints one certificate octet for octet as openssl writes it, though AWS sends CRLF', async () => {
  expect(one.pem).toContain('\r\n');
  const { code, stdout, stderr } = await download(one.id);
  expect([code, stderr]).toEqual([0, where()]);
  expect(stdout).toBe(openssl(['x509'], one.pem));
});

test('makes a well-formed bundle of several and warns of the trap', async () => {
  const { code, stdout, stderr } = await download(one.id, two.id, one.id, '--out-file', at('bundle.pem'));
  expect([code, stdout]).toEqual([0, `${at('bundle.pem')}: ${one.id}, ${two.id}\n`]);
  expect(stderr).toMatch(
    /^warning: .*bundle\.pem:2: 2 × C=US, L=Seattle, CN=ApiGateway: .*\[SharedSubject\]/m,
  );
  const text = readFileSync(at('bundle.pem'), 'utf8');
  expect(text.match(/^# .*/gm)?.map((line) => line.split(' ')[1])).toEqual([one.id, two.id]);
  expect(openssl(['storeutl', '-noout', '-certs', at('bundle.pem')])).toContain('Total found: 2');
  const { certificates } = readBundle(Buffer.from(text));
  expect(certificates.map(({ certificate }) => certificate.fingerprintSha256)).toEqual([
    one.fingerprint,
    two.fingerprint,
  ]);
});

test('replaces a file that holds something else only with --force', async () => {
  const file = at('there.pem');
  writeFileSync(file, 'what a backend trusts');
  const refused = await download(one.id, '--out-file', file);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`${file} exists already`)]);
  expect(readFileSync(file, 'utf8')).toBe('what a backend trusts');
  expect((await download(one.id, '--out-file', file, '--force')).code).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(openssl(['x509'], one.pem));
  // What is there is what was asked for.
  expect((await download(one.id, '--out-file', file)).code).toBe(0);
  expect((await download(two.id, '--out-file', file)).code).toBe(1);
  expect((await download(one.id, '--out-file', directory)).stderr).toContain('it is a folder');
});

test('writes DER to a file and to a pipe', async () => {
  const der = new X509Certificate(one.pem).raw;
  await download(one.id, '--encoding', 'der', '--out-file', at('one.der'));
  expect(readFileSync(at('one.der')).equals(der)).toBe(true);
  const { bytes } = await download(one.id, '--encoding', 'der');
  expect(der.equals(bytes)).toBe(true);
});

test('replaces a file by its link and keeps its mode; a new one is readable by all', async () => {
  writeFileSync(at('real.pem'), 'old');
  chmodSync(at('real.pem'), 0o600);
  symlinkSync('real.pem', at('link.pem'));
  await download(one.id, '--out-file', at('link.pem'), '--force');
  await download(one.id, '--out-file', at('new.pem'));
  expect(lstatSync(at('link.pem')).isSymbolicLink()).toBe(true);
  expect(readFileSync(at('real.pem'), 'utf8')).toBe(readFileSync(at('new.pem'), 'utf8'));
  expect(['real.pem', 'new.pem'].map((name) => statSync(at(name)).mode & 0o777)).toEqual([0o600, 0o644]);
});

test('answers JSON with the PEM, or with the file it is in', async () => {
  const { stdout } = await download(one.id, '--output', 'json');
  expect(JSON.parse(stdout)).toMatchObject({
    items: [
      { clientCertificateId: one.id, fingerprintSha256: one.fingerprint, pem: openssl(['x509'], one.pem) },
    ],
    findings: [],
  });
  const written = await download(one.id, two.id, '--output', 'json', '--out-file', at('json.pem'));
  expect(JSON.parse(written.stdout)).toMatchObject({
    items: [{ clientCertificateId: one.id }, { clientCertificateId: two.id }],
    findings: [{ code: 'SharedSubject', severity: 'critical', file: at('json.pem'), line: 2 }],
    file: at('json.pem'),
    encoding: 'pem',
  });
});

test.each<[string, () => string[], number, RegExp]>([
  [
    'several in DER',
    () => [one.id, two.id, '--encoding', 'der'],
    2,
    /DER can hold only one certificate, not 2/,
  ],
  ['binary in JSON', () => [one.id, '--encoding', 'der', '--output', 'json'], 2, /DER is binary/],
  ['an unknown id', () => [one.id, 'zzzzzz', '--out-file', at('kept.pem')], 1, /zzzzzz/],
  [
    'a folder that is not there',
    () => [one.id, '--out-file', at('absent/x.pem')],
    1,
    /its folder does not exist/,
  ],
  ['another format', () => [one.id, '--encoding', 'p12'], 2, /pem, der/],
  ['no id', () => [], 2, /id/],
])('refuses %s and touches nothing', async (_, args, exit, reason) => {
  writeFileSync(at('kept.pem'), 'kept');
  const before = readdirSync(directory);
  const { code, stderr } = await download(...args());
  expect(code).toBe(exit);
  expect(stderr).toMatch(reason);
  expect(readFileSync(at('kept.pem'), 'utf8')).toBe('kept');
  expect(readdirSync(directory)).toEqual(before);
});
