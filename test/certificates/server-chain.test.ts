import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rootStanding } from '../../src/certificates/api-gateway-cas.js';
import { serverChain, type ServerChain } from '../../src/certificates/server-chain.js';
import { newKey, openssl } from '../support/openssl.js';

let now: Date;
let directory: string;
/** PEM by name: a root, two intermediates below one another, a server below those; all of one private CA. */
const pem = new Map<string, string>();

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-chain-'));
  const issue = (name: string, issuer: string | undefined, extensions: readonly string[]): void => {
    const path = (file: string): string => join(directory, file);
    writeFileSync(path('extensions'), `[e]\n${extensions.join('\n')}\n`);
    const subject = ['-subj', `/CN=${name}`];
    const request = openssl(['req', '-new', ...newKey(path(`${name}.key`)), ...subject]);
    const signer =
      issuer === undefined
        ? ['-signkey', path(`${name}.key`)]
        : ['-CA', path(`${issuer}.pem`), '-CAkey', path(`${issuer}.key`), '-CAcreateserial'];
    const certificate = openssl(
      ['x509', '-req', '-days', '30', ...signer, '-extfile', path('extensions'), '-extensions', 'e'],
      request,
    );
    writeFileSync(path(`${name}.pem`), certificate);
    pem.set(name, readFileSync(path(`${name}.pem`), 'utf8'));
  };
  const ca = ['basicConstraints=critical,CA:true'];
  const server = ['subjectAltName=DNS:b.example'];
  issue('root', undefined, ca);
  issue('upper', 'root', ca);
  issue('lower', 'upper', ca);
  issue('server', 'lower', [...server, 'extendedKeyUsage=serverAuth']);
  issue('client-only', 'lower', [...server, 'extendedKeyUsage=clientAuth']);
  now = new Date();
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const der = (name: string): Uint8Array => new X509Certificate(pem.get(name) ?? '').raw;

const judge = (names: readonly string[], anchors: readonly string[] = ['root']): ServerChain =>
  serverChain(names.map(der), {
    host: 'b.example',
    extraAnchors: anchors.map((name) => pem.get(name) ?? ''),
    now,
  });

test.each([
  [['server', 'lower', 'upper'], []],
  // Java sorts them, so a mixed order is accepted.
  [['server', 'upper', 'lower'], []],
  [['server', 'upper', 'root', 'lower'], []],
  [['server', 'lower'], ['unknownIssuer']],
  [['server'], ['unknownIssuer']],
  [['client-only', 'lower', 'upper'], ['notForServers']],
])('%j: %j', (names, problems) => {
  expect(judge(names).problems).toEqual(problems);
});

test('a private CA that is not named is unknown, a self-signed certificate is named for what it is', () => {
  expect(judge(['server', 'lower', 'upper', 'root'], []).problems).toEqual(['unknownIssuer']);
  expect(judge(['root'], []).problems).toEqual(['wrongHost', 'selfSigned']);
});

test('a certificate that is no part of the path may have expired', () => {
  const later = new Date(now.getTime() + 31 * 86_400_000);
  const chain = serverChain([der('server'), der('lower'), der('upper')], {
    host: 'b.example',
    extraAnchors: [pem.get('root') ?? ''],
    now: later,
  });
  expect(chain.problems).toEqual(['expired']);
});

const root = (commonName: string): X509Certificate => {
  const found = rootCertificates
    .map((text) => new X509Certificate(text))
    .find(({ subject }) => subject.endsWith(`CN=${commonName}`));
  if (!found) throw new Error(`Node.js has no ${commonName}`);
  return found;
};

test.each([
  ['ISRG Root X1', 'listed', undefined],
  ['Amazon Root CA 1', 'listed', undefined],
  ['DigiCert Global Root G2', 'listed', undefined],
  ['USERTrust RSA Certification Authority', 'listed', undefined],
  ['GTS Root R1', 'reissued', undefined],
  ['ISRG Root X2', 'notListed', /ISRG Root X1/],
  ['Sectigo Public Server Authentication Root R46', 'notListed', /USERTrust RSA/],
  ['GlobalSign Root R46', 'notListed', /GlobalSign Root R3/],
  ['DigiCert TLS RSA4096 Root G5', 'notListed', /DigiCert Global Root G2/],
] as const)('%s is %s by the list of AWS', (commonName, standing, older) => {
  const certificate = root(commonName);
  expect(rootStanding(certificate.fingerprint256, commonName)).toBe(standing);
  const chain = serverChain([certificate.raw], { host: 'x', extraAnchors: [], now });
  expect(chain.problems).toEqual(standing === 'notListed' ? ['wrongHost', 'rootNotListed'] : ['wrongHost']);
  expect(chain.isRootReissued).toBe(standing === 'reissued');
  if (older === undefined) expect(chain.olderRoot).toBeUndefined();
  else expect(chain.olderRoot).toMatch(older);
});
