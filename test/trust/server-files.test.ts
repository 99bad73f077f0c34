import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse as parseYaml } from 'yaml';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import { createTrustStore, type TrustStoreConfig, trustStoreSchema } from '../../src/trust/kinds/index.js';
import { fileTrustStoreContract } from '../contract/file-trust-store.contract.js';
import { appError, noContext } from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

type ServerKind = 'nginx' | 'haproxy' | 'apache' | 'caddy' | 'envoy' | 'traefik';

const der = ({ pem }: TrustedCertificate): Buffer => new X509Certificate(pem).raw;
const sha256 = (certificate: TrustedCertificate): string =>
  createHash('sha256').update(der(certificate)).digest('hex');

/** Each notation written a second time, from the servers' documents, so that the adapters are not their own judge. */
const ENTRY: Record<ServerKind, (certificate: TrustedCertificate) => string> = {
  nginx: (certificate) =>
    `"~^${certificate.pem
      .replaceAll('+', '%2B')
      .replaceAll('/', '%2F')
      .replaceAll('=', '%3D')
      .replaceAll(' ', '%20')
      .replaceAll('\n', '%0A')}$" ${sha256(certificate)};`,
  haproxy: sha256,
  apache: ({ pem }) => `    Require expr "base64(%{SSL_CLIENT_CERT}) == '${btoa(pem)}'"`,
  caddy: (certificate) => `trusted_ca_cert ${der(certificate).toString('base64')}`,
  envoy: (certificate) => `        - "${sha256(certificate)}"`,
  traefik: ({ pem }) => `          - "${pem.replaceAll('\n', '\\n')}"`,
};

const AROUND: Record<ServerKind, [before: string, after: string]> = {
  nginx: ['', ''],
  haproxy: ['', ''],
  apache: [
    '<RequireAll>\n  Require expr "-n %{SSL_CLIENT_CERT}"\n  <RequireAny>\n',
    '  </RequireAny>\n</RequireAll>\n',
  ],
  caddy: ['', ''],
  envoy: [
    'resources:\n  - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n    name: apigw\n    validation_context:\n      verify_certificate_hash:\n',
    '',
  ],
  traefik: [
    'tls:\n  options:\n    apigw:\n      clientAuth:\n        clientAuthType: RequireAndVerifyClientCert\n        caFiles:\n',
    '',
  ],
};

const KINDS = Object.keys(ENTRY) as ServerKind[];

function content(kind: ServerKind, certificates: readonly TrustedCertificate[]): string {
  const [before, after] = AROUND[kind];
  return `${before}${certificates.map((certificate) => `${ENTRY[kind](certificate)}\n`).join('')}${after}`;
}

for (const kind of KINDS) {
  fileTrustStoreContract({
    kind,
    checks: true,
    config: (file, { check, reload, timeout }) => ({
      kind,
      file,
      check,
      reload: ['sh', '-c', reload],
      timeout,
    }),
    content: (certificates) => content(kind, certificates),
    foreign: '# who to call: orders team\n\n',
  });
}

describe('files of servers', () => {
  let folder: string;
  let old: TrustedCertificate;
  let next: TrustedCertificate;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apigw-cert-server-'));
    [old, next] = (await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')])).map(
      ({ certificate }) => certificate,
    ) as [TrustedCertificate, TrustedCertificate];
  });
  afterAll(() => rm(folder, { recursive: true }));

  const open = async (kind: ServerKind, text: string) => {
    const file = join(folder, kind);
    await writeFile(file, text);
    const store = createTrustStore({ kind, file, check: ['true'], reload: ['true'] }, noContext);
    return { store, text: () => readFile(file, 'utf8') };
  };

  test.each(KINDS)('%s: what is written is the notation that the server reads', async (kind) => {
    const { store, text } = await open(kind, '');
    await store.add(old);
    await store.add(next);
    const effective = (await text()).split('\n').filter((line) => !/^\s*#/.test(line));
    expect(effective.join('\n')).toBe(content(kind, [old, next]));
    expect(await text()).toContain(
      `# apigw-cert a1b2c3, valid ${old.notBefore.toISOString().slice(0, 10)} to `,
    );
  });

  test('envoy: the file is YAML', async () => {
    const { store, text } = await open('envoy', '');
    await store.add(old);
    await store.add(next);
    expect(parseYaml(await text())).toEqual({
      resources: [
        {
          '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
          name: 'apigw',
          validation_context: { verify_certificate_hash: [sha256(old), sha256(next)] },
        },
      ],
    });
  });

  test('traefik: the file is YAML with the certificates in it', async () => {
    const { store, text } = await open('traefik', '');
    await store.add(old);
    await store.add(next);
    expect(parseYaml(await text())).toEqual({
      tls: {
        options: {
          apigw: {
            clientAuth: { clientAuthType: 'RequireAndVerifyClientCert', caFiles: [old.pem, next.pem] },
          },
        },
      },
    });
  });

  test.each(['nginx', 'haproxy', 'apache', 'caddy'] as const)(
    '%s: a block is put behind other text, and certificates inside it stay there',
    async (kind) => {
      const { store, text } = await open(kind, '# mine');
      await store.add(old);
      const first = await text();
      expect(first.startsWith('# mine\n# apigw-cert begin')).toBe(true);
      expect(first.endsWith('# apigw-cert end\n')).toBe(true);
      await writeFile(join(folder, kind), `${first}# behind\n`);
      await store.add(next);
      expect((await text()).endsWith('# apigw-cert end\n# behind\n')).toBe(true);
      await store.remove(next);
      expect(await text()).toBe(`${first}# behind\n`);
    },
  );

  test.each(['envoy', 'traefik'] as const)(
    '%s: a document of somebody else is not added to',
    async (kind) => {
      const { store, text } = await open(kind, 'http:\n  routers: {}\n');
      const error = await appError(store.add(old));
      expect(error.message).toContain('it holds something else');
      expect(await text()).toBe('http:\n  routers: {}\n');
    },
  );

  test.each([
    ['nginx', '"" anybody;\n'],
    ['nginx', "'' anybody;\n"],
    ['nginx', 'default anybody;\n'],
    ['apache', 'Require all granted\n'],
  ] as const)('%s: a file that lets everybody in is refused: %j', async (kind, line) => {
    const { store } = await open(kind, `# x\n${line}`);
    const error = await appError(store.observe());
    expect(error.code).toBe('TrustStoreUnreadable');
    expect(error.message).toContain('line 2');
  });

  test('an id from outside cannot leave its comment', async () => {
    const { store, text } = await open('nginx', '');
    await store.add({ ...old, clientCertificateId: 'x\n"" anybody;\n#' });
    expect((await text()).split('\n').filter((line) => line.includes('anybody'))).toHaveLength(1);
    await expect(store.observe()).resolves.toEqual([old.fingerprintSha256]);
  });

  test('haproxy: a socket and a reload command together are a mistake', () => {
    const config: TrustStoreConfig = { kind: 'haproxy', file: 'a', socket: 'b', reload: 'c' };
    expect(trustStoreSchema.safeParse(config).success).toBe(false);
  });
});
