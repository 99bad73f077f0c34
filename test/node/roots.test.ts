/** Roots with a name, over real TLS. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls, { type SecureContextOptions } from 'node:tls';
import https from 'node:https';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { writeAuthority } from '../../src/certificates/bundle.js';
import type { CallerName } from '../../src/certificates/caller-name.js';
import { issueCertificate, makeAuthority, type Identity } from '../../src/certificates/issue.js';
import { trustedAuthority } from '../../src/certificates/trust-entry.js';
import { type Refusal, type TrustOptions, trustClientCertificates } from '../../src/node/index.js';
import { mintAuthority, type TestAuthority } from '../support/authority.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { afterTest, call, directory, listen, replaceFile, serverOptions } from './fixture.js';

const SUBJECT = 'CN=gateway,O=Example';

/** Whether this Node shows servers the chain of a client: 24.21.0 and 26.8.0 do not (nodejs/node#65579). */
const showsChain = await (async () => {
  const { root, issuing, issue } = await mintAuthority();
  const leaf = await issue(SUBJECT);
  const server = tls.createServer({
    ...serverOptions,
    ca: root.pem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = tls.connect({
    ...{ port, host: '127.0.0.1', rejectUnauthorized: false },
    ...{ cert: leaf.pem + issuing.pem, key: leaf.privateKeyPem },
  });
  const [socket] = (await once(server, 'secureConnection')) as [tls.TLSSocket];
  const above = socket.getPeerCertificate(true).issuerCertificate as object | undefined;
  client.destroy();
  server.close();
  return above !== undefined;
})();
const whereShown = showsChain ? test : test.skip;
let authority: TestAuthority;
let generated: TestIdentity;
let second: TestIdentity;
beforeAll(async () => {
  [authority, generated, second] = await Promise.all([
    mintAuthority(),
    mintIdentity('gen111', 300),
    mintIdentity('gen222'),
  ]);
});

const list = (name: CallerName, ...certificates: TestIdentity[]): string =>
  certificates.map(({ certificate }) => certificate.pem).join('') + writeAuthority(authority.entry(name));

/** A server with this list, and what it says of each caller that it refuses. */
async function serving(text: string, options: TrustOptions = {}) {
  const file = join(directory(), 'apigw.pem');
  writeFileSync(file, text);
  const refusals: Refusal[] = [];
  const trust = trustClientCertificates(file, { ...options, onRefused: (refusal) => refusals.push(refusal) });
  afterTest(trust.close);
  const server = trust.createServer(serverOptions, (request, response) => {
    response.end(trust.presented(request)?.subject);
  });
  return { file, trust, server, refusals, port: await listen(server) };
}

/** Calls with a certificate and what is presented with it. */
async function as(
  port: number,
  { pem, privateKeyPem }: Identity,
  chain: readonly Identity[] = [authority.issuing],
  more: SecureContextOptions & { agent?: https.Agent } = {},
): Promise<string> {
  const cert = [pem, ...chain.map((each) => each.pem)].join('');
  const { status, body } = await call({ port, ...({ cert, key: privateKeyPem, ...more } as object) });
  return status === 200 ? 'accepted' : `${status} ${(JSON.parse(body) as Refusal).reason}`;
}

const asGenerated = ({ certificate, privateKeyPem }: TestIdentity): Identity => ({
  pem: certificate.pem,
  privateKeyPem,
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  test('accepts each certificate of the name, and no other of that CA or with that name', async () => {
    const versions = { minVersion: version, maxVersion: version };
    const { port, refusals } = await serving(list({ subject: SUBJECT }));
    const stranger = await mintAuthority();
    const past = { notBefore: new Date(Date.now() - 20 * 86_400_000), days: 10 };
    const wrongUse = await authority.issue(SUBJECT, { purposes: ['serverAuth'] });
    // Of one name with the CA that issues, and with a key of its own.
    const forged = await stranger.issue(SUBJECT);
    const leaf = await authority.issue('CN=leaf,O=Example');
    const byLeaf = await issueCertificate({
      subject: 'O=Example,CN=gateway',
      issuer: leaf,
      ...{ notBefore: new Date(), days: 9 },
    });
    const selfMade = await makeAuthority({
      subject: 'O=Example,CN=gateway',
      notBefore: new Date(Date.now() - 1000),
      days: 9,
    });
    const issuingEnded = await makeAuthority({
      subject: 'CN=Ended,O=Example',
      issuer: authority.root,
      ...past,
    });
    const ofEnded = await authority.issue(SUBJECT, { issuer: issuingEnded });
    const results = {
      gateway: await as(port, await authority.issue(SUBJECT), undefined, versions),
      renewed: await as(port, await authority.issue(SUBJECT, { keyType: 'RSA_2048' }), undefined, versions),
      withoutUsages: await as(
        port,
        await authority.issue(SUBJECT, { purposes: [], hasKeyUsage: false }),
        undefined,
        versions,
      ),
      withTheRoot: await as(
        port,
        await authority.issue(SUBJECT),
        [authority.issuing, authority.root],
        versions,
      ),
      other: await as(port, await authority.issue('CN=other,O=Example'), undefined, versions),
      longer: await as(port, await authority.issue('CN=gateway,O=Example,C=US'), undefined, versions),
      within: await as(port, await authority.issue('CN=gateway\\,O\\=Example'), undefined, versions),
      root: await as(port, authority.root, [], versions),
      withoutChain: await as(port, await authority.issue(SUBJECT), [], versions),
      wrongUse: await as(port, wrongUse, undefined, versions),
      expired: await as(port, await authority.issue(SUBJECT, past), undefined, versions),
      ofExpiredAuthority: await as(port, ofEnded, [issuingEnded], versions),
      forged: await as(port, forged, [stranger.issuing, stranger.root], versions),
      forgedWithRealChain: await as(port, forged, [authority.issuing], versions),
      byLeaf: await as(port, byLeaf, [leaf, authority.issuing], versions),
      selfMade: await as(port, selfMade, [], versions),
      generated: await as(port, asGenerated(generated), [], versions),
    };
    const said = (reason: string): string | undefined =>
      refusals.find((each) => each.reason === reason)?.message;
    if (!showsChain) {
      expect(Object.values(results).filter((result) => result === 'accepted')).toEqual([]);
      expect(results.gateway).toBe('403 CertificateNotVerified');
      expect(refusals.map(({ message }) => message).join()).toContain('nodejs/node#65579');
      return;
    }
    expect(results).toEqual({
      gateway: 'accepted',
      renewed: 'accepted',
      withoutUsages: 'accepted',
      withTheRoot: 'accepted',
      other: '403 CertificateNotListed',
      longer: '403 CertificateNotListed',
      within: '403 CertificateNotListed',
      root: '403 CertificateNotListed',
      withoutChain: '403 CertificateChainIncomplete',
      wrongUse: '403 CertificateNotVerified',
      expired: '403 CertificateExpired',
      ofExpiredAuthority: '403 CertificateNotVerified',
      forged: '403 CertificateChainIncomplete',
      forgedWithRealChain: '403 CertificateChainIncomplete',
      byLeaf: '403 CertificateChainIncomplete',
      selfMade: '403 CertificateChainIncomplete',
      generated: '403 CertificateNotListed',
    });
    expect(said('CertificateChainIncomplete')).toContain(
      'the certificate of the CA CN=Example Issuing, O=Example was not presented',
    );
    expect(said('CertificateNotVerified')).toContain('INVALID_PURPOSE');
  });

  whereShown('accepts generated certificates beside the root, in either order', async () => {
    const versions = { minVersion: version, maxVersion: version };
    const root = writeAuthority(authority.entry({ subject: SUBJECT }));
    const pems = generated.certificate.pem + second.certificate.pem;
    const evil = await mintIdentity('evil11');
    for (const text of [pems + root, root + pems]) {
      const { port } = await serving(text);
      const callers = [asGenerated(generated), asGenerated(second), asGenerated(evil)];
      const results = await Promise.all(callers.map((each) => as(port, each, [], versions)));
      expect([...results, await as(port, await authority.issue(SUBJECT), undefined, versions)]).toEqual([
        'accepted',
        'accepted',
        '403 CertificateNotListed',
        'accepted',
      ]);
    }
  });
});

test('accepts certificates of a root that was renewed with its key, beside the expired one', async () => {
  const notBefore = new Date(Date.now() - 20 * 86_400_000);
  const old = await makeAuthority({ subject: 'CN=Example Root,O=Example', notBefore, days: 10 });
  const key = join(directory(), 'root.key');
  writeFileSync(key, old.privateKeyPem);
  const [name, file] = ['/CN=Example Root/O=Example', join(directory(), 'root.pem')];
  execFileSync('openssl', ['req', '-x509', '-key', key, '-subj', name, '-days', '9', '-out', file]);
  const renewed = { ...old, pem: readFileSync(file, 'utf8') };
  const issuer = renewed;
  const caller = await issueCertificate({ subject: 'O=Example,CN=gateway', issuer, notBefore, days: 29 });
  const entries = [old, renewed].map(({ pem }) =>
    writeAuthority(trustedAuthority(pem, { subject: SUBJECT })),
  );
  for (const text of [entries.join(''), entries.toReversed().join('')]) {
    const { port } = await serving(text);
    expect(await as(port, caller, [])).toBe('accepted');
  }
});

whereShown(
  'a subject alternative name is compared as a whole, and with the subject where both are listed',
  async () => {
    const san = 'DNS:gateway.example.com';
    const names = ['gateway.example.com', 'a.gateway.example.com', 'b.example.com'];
    const [right, within, another] = await Promise.all(
      names.map((name) => authority.issue(SUBJECT, { dnsNames: [name] })),
    );
    const wrongSubject = await authority.issue('CN=other', { dnsNames: ['gateway.example.com'] });
    const { port } = await serving(list({ subject: SUBJECT, san }));
    const callers = [right, within, another, wrongSubject] as Identity[];
    expect(await Promise.all(callers.map((each) => as(port, each)))).toEqual([
      'accepted',
      ...Array.from({ length: 3 }, () => '403 CertificateNotListed'),
    ]);
  },
);

whereShown('follows the file on kept connections, and while roots come and go', async () => {
  const leaf = await authority.issue(SUBJECT);
  let reloaded = (): void => undefined;
  const reload = (file: string, text: string): Promise<void> =>
    new Promise((resolve) => {
      reloaded = resolve;
      replaceFile(file, text);
    });
  const { file, port, server, trust } = await serving(generated.certificate.pem, {
    onReload: () => {
      reloaded();
    },
  });
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  afterTest(() => {
    agent.destroy();
  });
  expect(await as(port, leaf)).toBe('403 CertificateNotListed');
  await reload(file, list({ subject: SUBJECT }, generated));
  expect(trust.roots).toEqual([
    { fingerprintSha256: authority.entry({ subject: SUBJECT }).ca.fingerprintSha256, subject: SUBJECT },
  ]);
  expect(await as(port, leaf, undefined, { agent })).toBe('accepted');
  // Another certificate for the server itself takes nothing away.
  server.setSecureContext(serverOptions);
  expect(await as(port, leaf)).toBe('accepted');
  expect(await as(port, leaf, undefined, { agent })).toBe('accepted');
  await reload(file, list({ subject: 'CN=renamed' }, generated));
  expect(await as(port, leaf, undefined, { agent })).toBe('403 CertificateNotListed');
  // A root of that name, and not that CA.
  const stranger = await mintAuthority();
  await reload(file, writeAuthority(stranger.entry({ subject: SUBJECT })));
  expect(await as(port, leaf)).toBe('403 CertificateChainIncomplete');
});

whereShown('a server of another kind, which trusts more CAs, accepts no more than is listed', async () => {
  const file = join(directory(), 'apigw.pem');
  writeFileSync(file, list({ subject: SUBJECT }));
  const trust = trustClientCertificates(file);
  afterTest(trust.close);
  const stranger = await mintAuthority();
  const server = https.createServer(
    { ...serverOptions, ca: [...trust.ca, stranger.root.pem], requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const verdict = trust.check(request.socket);
      response.writeHead(verdict.accepted ? 200 : 403).end(JSON.stringify(verdict));
    },
  );
  const port = await listen(server);
  expect(await as(port, await authority.issue(SUBJECT))).toBe('accepted');
  expect(await as(port, await stranger.issue(SUBJECT), [stranger.issuing])).toBe(
    '403 CertificateChainIncomplete',
  );
});

test.each<[string, (text: string) => string, string]>([
  [
    'a name that cannot be compared',
    (text) => text.replace(`Subject: ${SUBJECT}`, 'Subject: gateway'),
    'the name at line 2 cannot be compared',
  ],
  ['another line', (text) => text.replace('Subject:', 'Serial:'), 'something other than one Subject'],
  [
    'the name twice',
    (text) => text.replace('Subject: ', `Subject: ${SUBJECT}\nsubject: `),
    'something other than one Subject',
  ],
  ['no name', (text) => text.replace(/Subject: .*\n/, ''), 'damaged'],
  [
    'a CA that is no root',
    (text) =>
      text.replaceAll(/(?<=\n\n)[^-]+/g, authority.issuing.pem.replaceAll(/-----[A-Z ]+-----\n/g, '')),
    'is not a root',
  ],
  [
    'a certificate that is no CA',
    (text) =>
      text.replaceAll(/(?<=\n\n)[^-]+/g, generated.certificate.pem.replaceAll(/-----[A-Z ]+-----\n/g, '')),
    'is not the certificate of a CA',
  ],
  [
    'a root of the label that all read',
    (text) => text.replaceAll('APIGW CLIENT CA', 'CERTIFICATE').replace(/Subject: .*\n\n/, ''),
    'no certificate of',
  ],
])('a list with %s is refused', (_what, spoil, why) => {
  const file = join(directory(), 'apigw.pem');
  writeFileSync(file, spoil(list({ subject: SUBJECT })));
  if (why === 'no certificate of') {
    // As before: an exact certificate, which only who has the key of the root can present.
    expect(trustClientCertificates(file).roots).toEqual([]);
    return;
  }
  expect(() => trustClientCertificates(file)).toThrow(why);
});

test('several roots with several names are refused', async () => {
  const file = join(directory(), 'apigw.pem');
  const stranger = await mintAuthority();
  writeFileSync(file, list({ subject: SUBJECT }) + writeAuthority(stranger.entry({ subject: 'CN=other' })));
  expect(() => trustClientCertificates(file)).toThrow('2 roots with 2 names');
});
