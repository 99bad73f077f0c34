/**
 * Makes certificates: faithful replicas of API Gateway's client certificates, and throwaway server certificates
 * for the backends of the demo and the tests. Loads @peculiar/x509: import it dynamically.
 */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  Certificate,
  Name,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { API_GATEWAY_SUBJECT } from './certificate.js';
import { issueCertificate, makeAuthority } from './issue.js';
import * as x509 from './peculiar.js';
import { makeRsaKey } from './rsa-key.js';

const MS_PER_DAY = 86_400_000;

/** RFC 8017 appendix A.2.4; its parameters are an explicit NULL. */
const SHA256_WITH_RSA = new AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: null });

const SERIAL_OCTETS = 8;

/** The content of a DER INTEGER that is positive and has eight significant octets (a ninth, 0, as its sign if need be). */
function serialNumber(): ArrayBuffer {
  const octets = randomBytes(SERIAL_OCTETS);
  octets[0] = octets.readUInt8(0) || 1;
  return new Uint8Array(octets.readUInt8(0) < 0x80 ? octets : [0, ...octets]).buffer;
}

/** A distinguished name in the order written, every attribute a PrintableString, as AWS writes it. */
function printableName(subject: string): Name {
  const attributes = new x509.Name(subject)
    .toJSON()
    .map((rdn) =>
      Object.fromEntries(
        Object.entries(rdn).map(([type, values]) => [
          type,
          values.map((value) => (typeof value === 'string' ? { printableString: value } : value)),
        ]),
      ),
    );
  return AsnConvert.parse(new x509.Name(attributes).toArrayBuffer(), Name);
}

function validity(notBefore: Date, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore, notAfter: new Date(notBefore.getTime() + days * MS_PER_DAY) };
}

function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** PEM as AWS sends it: CRLF line ends and no newline at its end. */
function awsPem(der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join('\r\n');
}

/**
 * Makes a self-signed certificate as GenerateClientCertificate does: v3 without an extensions field, RSA 2048,
 * sha256WithRSAEncryption, an 8-byte serial, subject and issuer `C=US, L=Seattle, CN=ApiGateway`, whole seconds.
 *
 * The structure is written with the ASN.1 schema itself because the generator of @peculiar/x509 writes an empty
 * extensions field (`A3 02 30 00`) where AWS writes none.
 *
 * @param options.days its life in days, 365 by default
 * @param options.subject another subject and issuer, for tests
 * @returns `pem` as AWS sends it (CRLF, no newline at its end), `privateKeyPem` as PKCS #8 with LF
 */
export async function mintClientCertificate(options: {
  notBefore: Date;
  days?: number;
  subject?: string;
}): Promise<{ pem: string; privateKeyPem: string }> {
  const { notBefore, days = 365, subject = API_GATEWAY_SUBJECT } = options;
  const { publicKey, privateKey } = await makeRsaKey();
  const name = printableName(subject);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: SHA256_WITH_RSA,
    issuer: name,
    validity: new Validity(validity(notBefore, days)),
    subject: name,
    subjectPublicKeyInfo: AsnConvert.parse(
      publicKey.export({ type: 'spki', format: 'der' }),
      SubjectPublicKeyInfo,
    ),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), privateKey);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: SHA256_WITH_RSA,
    signatureValue: new Uint8Array(signature).buffer,
  });
  return { pem: awsPem(AsnConvert.serialize(certificate)), privateKeyPem: privateKeyPem(privateKey) };
}

/**
 * Makes a throwaway certificate authority and a server certificate that it issued (P-256, serverAuth).
 *
 * @param options.days the life of both in days, 90 by default
 * @returns PEM with LF line ends and one newline at the end; the authority's key is not kept
 */
export async function mintServerCertificate(options: {
  notBefore: Date;
  days?: number;
  dnsNames: string[];
  ipAddresses?: string[];
}): Promise<{ caPem: string; certPem: string; privateKeyPem: string }> {
  const { notBefore, days = 90, dnsNames, ipAddresses = [] } = options;
  const issuer = await makeAuthority({ notBefore, days, subject: 'CN=apigw-cert throwaway CA' });
  const { pem: certPem, privateKeyPem: key } = await issueCertificate({
    notBefore,
    days,
    subject: 'CN=apigw-cert throwaway server',
    issuer,
    dnsNames,
    ipAddresses,
    purposes: ['serverAuth'],
  });
  return { caPem: issuer.pem, certPem, privateKeyPem: key };
}
