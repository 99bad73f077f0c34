import { createPrivateKey, X509Certificate } from 'node:crypto';
import { AppError } from '../platform/errors.js';
import { readBundle } from './bundle.js';

/** A certificate and its key, the content of two files. */
export interface IdentityFiles {
  certificate: Uint8Array;
  privateKey: Uint8Array;
}

/** A certificate of one's own, ready to be presented. The key is never logged and never written anywhere. */
export interface ClientIdentity {
  /** Of the certificate, and of those that follow it in its file. */
  pem: string;
  privateKeyPem: string;
  /** Of the certificate itself. */
  fingerprintSha256: string;
  /** Of the certificate and of those that follow it. */
  issuers: string[];
}

/** The options that name the two files. */
export const CERT_AND_KEY = { certificate: '--cert', privateKey: '--key' };

/**
 * Reads a certificate and its key.
 * @throws AppError `CertificateUnreadable`
 */
export function clientIdentity(
  { certificate, privateKey }: IdentityFiles,
  options: Readonly<Record<keyof IdentityFiles, string>> = CERT_AND_KEY,
): ClientIdentity {
  const { certificates } = readBundle(certificate);
  const [own] = certificates;
  if (!own) {
    throw new AppError(
      'CertificateUnreadable',
      `the file of ${options.certificate} contains no readable certificate`,
      {
        hint: 'specify a PEM file with the certificate, followed by its intermediate certificates',
      },
    );
  }
  const privateKeyPem = Buffer.from(privateKey).toString('latin1');
  if (!belongsTo(own.certificate.pem, privateKeyPem)) {
    throw new AppError(
      'CertificateUnreadable',
      `the key of ${options.privateKey} does not belong to the certificate of ${options.certificate}`,
      {
        hint: 'specify the unencrypted private key of that certificate as PEM',
      },
    );
  }
  return {
    pem: certificates.map(({ certificate: { pem } }) => pem).join(''),
    privateKeyPem,
    fingerprintSha256: own.certificate.fingerprintSha256,
    issuers: certificates.map(({ certificate: { issuer } }) => issuer),
  };
}

function belongsTo(pem: string, privateKeyPem: string): boolean {
  try {
    return new X509Certificate(pem).checkPrivateKey(createPrivateKey(privateKeyPem));
  } catch {
    return false;
  }
}
