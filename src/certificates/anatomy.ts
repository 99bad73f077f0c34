/**
 * Everything that a certificate says, for people who would otherwise ask `openssl x509 -text`. Loads
 * @peculiar/x509: import it dynamically.
 */
import { X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, type Extension } from '@peculiar/asn1-x509';
import type { CertificateFacts } from './certificate.js';
import { AppError } from '../platform/errors.js';
import { certificateFacts } from './parse.js';
import * as x509 from './peculiar.js';

export interface CertificateExtension {
  /** Dotted: `2.5.29.17`. */
  oid: string;
  /** `Subject Alternative Name`, or the OID where no name is known. */
  name: string;
  critical: boolean;
  /** For people: `DNS: localhost, IP: 127.0.0.1`; octets as colon-separated upper-case hex. */
  value: string;
}

export interface CertificateAnatomy extends CertificateFacts {
  /** 3 for an X.509 v3 certificate. */
  version: number;
  /** `RSA 2048`, `EC prime256v1`; the key algorithm's OID where OpenSSL does not know it. */
  publicKey: string;
  /** `sha256WithRSAEncryption`, or the OID where no name is known. */
  signatureAlgorithm: string;
  extensions: readonly CertificateExtension[];
}

function publicKeyText(certificate: X509Certificate, oid: string): string {
  try {
    const { asymmetricKeyType = oid, asymmetricKeyDetails: details } = certificate.publicKey;
    const size = details?.modulusLength ?? details?.namedCurve;
    return [asymmetricKeyType.toUpperCase(), ...(size === undefined ? [] : [size])].join(' ');
  } catch {
    return x509.OidSerializer.toString(oid);
  }
}

function hex(octets: string): string {
  return octets.replace(/[^0-9a-f]+/g, ':').toUpperCase();
}

const HEX_ROWS = /^(?:[0-9a-f]{2}\s*)+$/;

/** Reads the library's text of an extension: a title line, then indented lines, octets in rows of hex. */
function readText(extension: x509.Extension): { name: string; value: string } {
  const [title = '', ...lines] = extension
    .toString('text')
    .split('\n')
    .map((line) => line.trim());
  const name = title.replace(/:(?: critical)?$/, '');
  if (extension instanceof x509.BasicConstraintsExtension && !extension.ca)
    return { name, value: 'CA: false' };
  const all = lines.join(' ');
  return { name, value: HEX_ROWS.test(all) ? hex(all) : lines.join(', ') };
}

function extensionOf(raw: Extension): CertificateExtension {
  const { extnID: oid, critical, extnValue } = raw;
  try {
    return { oid, critical, ...readText(x509.ExtensionFactory.create(AsnConvert.serialize(raw))) };
  } catch {
    // Malformed, which is a reason to look at it and none to hide the rest.
    const octets = Buffer.from(extnValue.buffer).toString('hex').match(/../g) ?? [];
    return { oid, critical, name: oid, value: hex(octets.join(' ')) };
  }
}

function structureOf(der: Uint8Array): Certificate {
  try {
    return AsnConvert.parse(der, Certificate);
  } catch (cause) {
    throw new AppError('CertificateUnreadable', "this certificate's structure cannot be read", { cause });
  }
}

/**
 * Reads everything of one certificate, from DER or the first one from PEM.
 * @throws AppError `CertificateUnreadable`
 */
export function anatomy(pemOrDer: Uint8Array | string): CertificateAnatomy {
  const facts = certificateFacts(pemOrDer);
  const certificate = new X509Certificate(pemOrDer);
  const { tbsCertificate, signatureAlgorithm } = structureOf(certificate.raw);
  return {
    ...facts,
    version: tbsCertificate.version + 1,
    publicKey: publicKeyText(certificate, tbsCertificate.subjectPublicKeyInfo.algorithm.algorithm),
    signatureAlgorithm: x509.OidSerializer.toString(signatureAlgorithm.algorithm),
    extensions: Array.from(tbsCertificate.extensions?.values() ?? [], extensionOf),
  };
}
