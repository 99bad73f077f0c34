import {
  ACMClient,
  ImportCertificateCommand,
  RequestCertificateCommand,
  type KeyAlgorithm,
} from '@aws-sdk/client-acm';
import {
  issueCertificate,
  makeAuthority,
  type Identity,
  type LeafOptions,
} from '../../src/certificates/issue.js';
import type { Emulator } from '../../src/emulator/index.js';
import { accountOf } from '../../src/emulator/scope.js';

const DAY_MS = 86_400_000;

/** The SDK's client of ACM for an emulator, without retries, as the same account as `clientOf`. */
export const acmClientOf = (
  { url }: Pick<Emulator, 'url'>,
  { region = 'eu-central-1', accessKeyId = 'AKIDTEST' }: { region?: string; accessKeyId?: string } = {},
): ACMClient =>
  new ACMClient({
    endpoint: url,
    region,
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    maxAttempts: 1,
  });

/** A private CA of one's own: a root, and below it what signs. */
export interface TestPki {
  root: Identity;
  issuing: Identity;
  /** A leaf, issued an hour ago for 90 days unless specified. */
  leaf(options?: Partial<LeafOptions>): Promise<Identity>;
}

export async function makePki(now = new Date(), days = 3650): Promise<TestPki> {
  const notBefore = new Date(now.getTime() - DAY_MS);
  const root = await makeAuthority({ notBefore, days, subject: 'CN=Orders Root CA' });
  const issuing = await makeAuthority({ notBefore, days, subject: 'CN=Orders Issuing CA', issuer: root });
  return {
    root,
    issuing,
    leaf: (options = {}) =>
      issueCertificate({
        notBefore: new Date(now.getTime() - 3_600_000),
        days: 90,
        subject: 'CN=orders-gateway',
        issuer: issuing,
        purposes: ['clientAuth'],
        ...options,
      }),
  };
}

/** Imports a certificate. @returns its ARN */
export async function importCertificate(
  client: ACMClient,
  { pem, privateKeyPem }: Identity,
  { chain = '', arn }: { chain?: string; arn?: string } = {},
): Promise<string> {
  const { CertificateArn = '' } = await client.send(
    new ImportCertificateCommand({
      Certificate: Buffer.from(pem),
      PrivateKey: Buffer.from(privateKeyPem),
      ...(chain === '' ? {} : { CertificateChain: Buffer.from(chain) }),
      ...(arn === undefined ? {} : { CertificateArn: arn }),
    }),
  );
  return CertificateArn;
}

/** Requests a certificate from a private CA of the emulator. @returns its ARN */
export async function requestCertificate(
  client: ACMClient,
  KeyAlgorithm: KeyAlgorithm = 'EC_prime256v1',
): Promise<string> {
  const [region, { accessKeyId }] = await Promise.all([client.config.region(), client.config.credentials()]);
  const { CertificateArn = '' } = await client.send(
    new RequestCertificateCommand({
      DomainName: 'gateway.orders.example',
      CertificateAuthorityArn: `arn:aws:acm-pca:${region}:${accountOf(accessKeyId)}:certificate-authority/1`,
      KeyAlgorithm,
    }),
  );
  return CertificateArn;
}

/** Imports a certificate of a new private CA, with its chain, into the account of the tests. @returns its ARN */
export async function importNew(emulator: Pick<Emulator, 'url' | 'now'>): Promise<string> {
  const client = acmClientOf(emulator);
  const pki = await makePki(emulator.now());
  try {
    return await importCertificate(client, await pki.leaf(), { chain: pki.issuing.pem });
  } finally {
    client.destroy();
  }
}
