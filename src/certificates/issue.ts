/**
 * Issues certificates: what a private CA does, for the emulator, the demo and the tests. Loads @peculiar/x509: import it
 * dynamically.
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, generateKeyPair, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyType } from './key-type.js';
import * as x509 from './peculiar.js';

const MS_PER_DAY = 86_400_000;

/** P-256, whose keys are made in 1 ms, unless a likeness to something else is wanted. */
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A certificate and its key: PEM with LF line ends and one newline at the end, the key as PKCS #8. */
export interface Identity {
  pem: string;
  privateKeyPem: string;
}

interface Validity {
  notBefore: Date;
  days: number;
}

const validity = ({ notBefore, days }: Validity): { notBefore: Date; notAfter: Date } => ({
  notBefore,
  notAfter: new Date(notBefore.getTime() + days * MS_PER_DAY),
});

const filePem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

const privateKeyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

async function keyPair(type: KeyType): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  const generate = promisify(generateKeyPair);
  const [kind, size = ''] = type.split('_');
  return kind === 'RSA'
    ? generate('rsa', { modulusLength: Number(size) })
    : generate('ec', { namedCurve: size });
}

/** The signing key of an authority made here. */
const signingKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }),
    P256,
    false,
    ['sign'],
  );

const publicKeyOf = (key: KeyObject): x509.PublicKey =>
  new x509.PublicKey(key.export({ type: 'spki', format: 'der' }));

interface Issue extends Validity {
  /** RFC 4514: `CN=Orders CA,O=Example`. */
  subject: string;
  /** Who signs it. */
  issuer?: Identity;
  publicKey: KeyObject;
  extensions: readonly x509.Extension[];
}

async function sign(
  own: KeyObject | undefined,
  { issuer, subject, publicKey, extensions, ...dates }: Issue,
): Promise<string> {
  const signer = issuer?.privateKeyPem ?? (own && privateKeyPem(own));
  if (signer === undefined) throw new Error('nobody signs this certificate');
  const issuerKey = createPublicKey(createPrivateKey(signer));
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(dates),
    subject,
    issuer: issuer === undefined ? subject : new x509.X509Certificate(issuer.pem).subjectName,
    publicKey: publicKeyOf(publicKey),
    signingKey: await signingKey(signer),
    signingAlgorithm: P256,
    extensions: [
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(publicKeyOf(publicKey)),
      ...(issuer === undefined
        ? []
        : [await x509.AuthorityKeyIdentifierExtension.create(publicKeyOf(issuerKey))]),
    ],
  });
  return filePem(certificate);
}

/**
 * Makes a certificate authority (P-256): a root, or one below `issuer`.
 * @param options.days its validity in days
 */
export async function makeAuthority(
  options: Validity & { subject: string; issuer?: Identity },
): Promise<Identity> {
  const { publicKey, privateKey } = await keyPair('EC_prime256v1');
  const pem = await sign(privateKey, {
    ...options,
    publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { pem, privateKeyPem: privateKeyPem(privateKey) };
}

/** Of an extended key usage, by its usual name. */
export type Purpose = 'clientAuth' | 'serverAuth';

export interface LeafOptions extends Validity {
  /** RFC 4514. */
  subject: string;
  issuer: Identity;
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
  /** P-256 unless specified. */
  keyType?: KeyType;
  /** Of its extended key usage; none: it has none. */
  purposes?: readonly Purpose[];
  /** Whether it has a key usage, digitalSignature (and keyEncipherment with RSA). */
  hasKeyUsage?: boolean;
}

/** Makes a key, and the certificate that `issuer` issues for it. */
export async function issueCertificate({
  dnsNames = [],
  ipAddresses = [],
  keyType = 'EC_prime256v1',
  purposes = [],
  hasKeyUsage = true,
  ...options
}: LeafOptions): Promise<Identity> {
  const { publicKey, privateKey } = await keyPair(keyType);
  const keyUsage = keyType.startsWith('RSA')
    ? new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
        true,
      )
    : new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true);
  const names = [
    ...dnsNames.map((value) => ({ type: 'dns', value }) as const),
    ...ipAddresses.map((value) => ({ type: 'ip', value }) as const),
  ];
  const pem = await sign(undefined, {
    ...options,
    publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...(hasKeyUsage ? [keyUsage] : []),
      ...(purposes.length === 0
        ? []
        : [new x509.ExtendedKeyUsageExtension(purposes.map((purpose) => x509.ExtendedKeyUsage[purpose]))]),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { pem, privateKeyPem: privateKeyPem(privateKey) };
}
