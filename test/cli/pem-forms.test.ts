import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';

let directory: string;
let identity: TestIdentity;
let other: TestIdentity;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-forms-'));
  [identity, other] = await Promise.all([mintIdentity('aaaaaa'), mintIdentity('bbbbbb')]);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const asSent = (pem: string): string => pem.trimEnd().replaceAll('\n', '\r\n');

interface Form {
  name: string;
  encode: (pem: string) => Buffer;
  /** What people are told; absent where nginx and OpenSSL read it. */
  said?: RegExp;
}

const FORMS: readonly Form[] = [
  { name: 'CRLF', encode: (pem) => Buffer.from(asSent(pem)) },
  { name: 'a byte order mark', encode: (pem) => Buffer.from(`\uFEFF${pem}`) },
  {
    name: 'one line',
    encode: (pem) => Buffer.from(pem.replaceAll('\n', '')),
    said: /line breaks.*nginx, OpenSSL and Node\.js do not read/,
  },
  {
    name: 'UTF-16 of PowerShell',
    encode: (pem) => Buffer.from(`\uFEFF${pem}`, 'utf16le'),
    said: /UTF-16, as Windows PowerShell/,
  },
  {
    name: 'JSON of the aws CLI',
    encode: (pem) => Buffer.from(JSON.stringify({ pemEncodedCertificate: asSent(pem) }, null, 4)),
    said: /JSON, as the aws command line prints it/,
  },
  { name: 'a JSON string', encode: (pem) => Buffer.from(JSON.stringify(asSent(pem))), said: /JSON/ },
];

describe.each(FORMS)('a certificate file in the form of $name', ({ encode, said }) => {
  test('is inspected, judged and changed as nginx and OpenSSL would read it', async () => {
    const file = join(directory, 'certificate.pem');
    const content = encode(identity.certificate.pem);
    writeFileSync(file, content);
    const [inspected, lint, shown] = await Promise.all([
      cli(['inspect', file]),
      cli(['backend', 'lint', file, '--consumer', 'exact-list']),
      cli(['backend', 'show', '--trust', `pem-bundle:${file}`]),
    ]);
    expect(inspected.code).toBe(0);
    expect(inspected.stdout).toContain(identity.certificate.fingerprintSha256);
    expect(inspected.stderr + lint.stdout).not.toMatch(/is not at the start of its line/);

    const added = await cli(['backend', 'add', addFile(), '--trust', `pem-bundle:${file}`]);
    if (said === undefined) {
      expect(inspected.stderr).toBe('');
      expect([lint.code, shown.code, added.code]).toEqual([0, 0, 0]);
      expect(readFileSync(file).subarray(0, content.length).equals(content)).toBe(true);
    } else {
      for (const text of [inspected.stderr, lint.stdout, shown.stderr, added.stderr])
        expect(text).toMatch(said);
      expect([lint.code, shown.code, added.code]).toEqual([1, 1, 1]);
      expect(readFileSync(file).equals(content)).toBe(true);
    }
  });
});

function addFile(): string {
  const file = join(directory, 'other.pem');
  writeFileSync(file, other.certificate.pem);
  return file;
}

test('a damaged file adds nothing', async () => {
  const file = join(directory, 'damaged.pem');
  const list = join(directory, 'list.pem');
  writeFileSync(file, identity.certificate.pem + other.certificate.pem.replace('MII', 'M!I'));
  writeFileSync(list, '');
  const { code, stderr } = await cli(['backend', 'add', file, '--trust', `pem-bundle:${list}`]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/damaged\.pem, line \d+: a damaged certificate\n {2}fix: nothing was changed/);
  expect(readFileSync(list, 'utf8')).toBe('');
});
