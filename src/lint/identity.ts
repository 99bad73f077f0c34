/** The callers that are walked through a configuration, and what a server sees of their certificates. */
import { createHash, X509Certificate } from 'node:crypto';
import { API_GATEWAY_SUBJECT } from '../certificates/certificate.js';
import { subjectPublicKeyInfo } from '../certificates/der.js';

/** Attribute types and values in the order of the certificate. */
export type Name = readonly (readonly [type: string, value: string])[];

/** What a certificate shows to a server. What is absent is not known: some configurations name a fingerprint alone. */
export interface Identity {
  /** LF line ends, one newline at the end. */
  pem?: string;
  der?: Buffer;
  /** Lower-case hex. */
  sha1?: string;
  /** Lower-case hex. */
  sha256?: string;
  subject: Name;
  issuer: Name;
  /** Upper-case hex. */
  serial?: string;
  notBefore?: Date;
  notAfter?: Date;
  /** Signed with its own key. */
  selfSigned: boolean;
  /** May sign others, by its own words (OpenSSL's `X509_check_ca`). */
  isAuthority: boolean;
  /** The SHA-256 of the authority that signed it, for callers that we make up. */
  signedBy?: string;
}

/**
 * `none` presents nothing; `listed` what the configuration trusts; `impostor` the same name and serial number with a
 * key of its own; `stranger` a certificate of a real authority of the bundle, or else of one that nobody knows;
 * `expired` what the configuration trusts, after its end.
 */
export type CallerName = 'none' | 'listed' | 'impostor' | 'stranger' | 'expired';

export const CALLERS: readonly CallerName[] = ['none', 'listed', 'impostor', 'stranger', 'expired'];

export interface Caller {
  name: CallerName;
  identity?: Identity;
  /** Its certificate is past its end when it calls. */
  expired: boolean;
  /** It made its certificate itself, with names of its choice. */
  isForger?: true;
  /** It resumes the session in which it presented its certificate. */
  resumes?: true;
  /** Its certificate may have a name that is like the one that is compared. */
  isNamesake?: true;
  /** The bundle has another certificate of its subject before its own, as after the next rotation. */
  isSecond?: true;
  /** A client of Java does not answer a request that comes after the handshake of TLS 1.3; others may. */
  answersLate?: false;
}

const hash = (algorithm: string, octets: Uint8Array): string =>
  createHash(algorithm).update(octets).digest('hex');

function nameOf(printed: string): Name {
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** v1 has no field for its version, which would be the context tag 0. */
function isVersion1(der: Uint8Array): boolean {
  const header = (at: number): number => {
    const length = der[at + 1] ?? 0;
    return length < 0x80 ? 2 : 2 + (length & 0x7f);
  };
  const tbs = header(0);
  return der[tbs + header(tbs)] !== 0xa0;
}

/** Reads what a server sees. @throws what node:crypto throws for something that is no certificate */
export function identityOf(input: string | Uint8Array): Identity {
  const certificate = new X509Certificate(input);
  const der = certificate.raw;
  const selfIssued = certificate.subject === certificate.issuer;
  return {
    ...octetsOf(der),
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    serial: certificate.serialNumber,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    selfSigned: selfIssued,
    // OpenSSL takes a v1 certificate for an authority; the key of one with API Gateway's name is AWS's.
    isAuthority:
      certificate.ca ||
      (selfIssued && isVersion1(der) && oneLine(certificate.subject) !== API_GATEWAY_SUBJECT),
  };
}

function octetsOf(der: Buffer): { pem: string; der: Buffer; sha1: string; sha256: string } {
  return { pem: pemOf(der), der, sha1: hash('sha1', der), sha256: hash('sha256', der) };
}

const oneLine = (printed: string): string => printed.split('\n').join(', ');

const API_GATEWAY_NAME = nameOf(API_GATEWAY_SUBJECT.split(', ').join('\n'));

export const nameText = (name: Name): string => name.map(([type, value]) => `${type}=${value}`).join(', ');

/** Made by API Gateway, as far as its words go. */
export const isApiGateways = (identity: Identity): boolean =>
  nameText(identity.subject) === API_GATEWAY_SUBJECT && !identity.isAuthority;

/** A certificate as API Gateway makes it, for octets that no list holds; its key was thrown away. */
const REPLICA = Buffer.from(
  'MIIC6jCCAdKgAwIBAgIIR5rfCOqzo+YwDQYJKoZIhvcNAQELBQAwNDELMAkGA1UEBhMCVVMxEDAOBgNVBAcTB1NlYXR0bGUx' +
    'EzARBgNVBAMTCkFwaUdhdGV3YXkwIBcNMjUwMTAxMDAwMDAwWhgPMjEyNDEyMDgwMDAwMDBaMDQxCzAJBgNVBAYTAlVTMRAw' +
    'DgYDVQQHEwdTZWF0dGxlMRMwEQYDVQQDEwpBcGlHYXRld2F5MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoFk6' +
    '6IBQKINerBZwlukPUdNtYs5ZojIiT18W2yVQxlZ4vpsJCzB/iRIwUDPiuuZmjHMnflt6FEMwhCNQ1LYUrlXPwo98MBQy7WlF' +
    'LCraafxkXLRYfQ/GsIMfWR2smikH8B+VhmxBno8qRpug4memuBoDQBtMILLew/iIWhn8a3ccpdT8h0gD9zIpxbZ7bsNVqrJ6' +
    'hjnlqzW56g4LEJTe5TPZ8CmOH+jM2gtw5RaZvHCB4H98MdrgsHeLdoqDhsj6RGtI28v+YloeGToTLbxkg0V1tFmOYUvIIf0v' +
    'coP3StuVEp0yVzzJ/g3fQTJhMN0iomWGPAQ2A8O0BaSAaz5I8QIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQAClM4QZYpys7Cp' +
    'zx6X9lR1l3+6oWCuMG86mLMUuPYHvSilpVYw/CgtP8sfauwrXr4wFOhU6eJCqIlSgxja3Jcxbewdm6mq36SuNNywnkeGXDN3' +
    'f8GbskFZ7Iom2HhfthIleG9Lqr1JJoxS2cknfAKxu10/btV1rqDVyXmiTFhjEOMgPPijoEn20f9tKzY1YCquYxUVgZx7vlmB' +
    'Xj6y4/kayGXkrq62OZgTjp7KZ+N4FDLSbXxZ/TYv1KS4hz95/hTKmO6NgNEDD2JHdMsY9n6LmEd/ynyraj7/4hFmhe/RkeGO' +
    'ujv15bFy47aaZZpHUbiyfkkw4FdOvfU2pce0kZin',
  'base64',
);

/** A certificate that is known by a fingerprint alone. */
export function identityOfFingerprint(fingerprint: { sha1: string } | { sha256: string }): Identity {
  return {
    ...fingerprint,
    subject: API_GATEWAY_NAME,
    issuer: API_GATEWAY_NAME,
    selfSigned: true,
    isAuthority: false,
  };
}

/** The octets of `der` with another key in them, so that nothing that names exact octets matches. */
function withOtherKey(der: Buffer, salt: number): Buffer {
  const copy = Buffer.from(der);
  const key = subjectPublicKeyInfo(copy);
  const middle = key.byteOffset - copy.byteOffset + (key.length >> 1);
  copy.writeUInt32BE((copy.readUInt32BE(middle) ^ (0x5a5a5a00 + salt)) >>> 0, middle);
  return copy;
}

/** Somebody who copied all that can be copied of a listed certificate: everything but its key. */
export function impostorOf(listed: Identity | undefined): Caller {
  const der = withOtherKey(listed?.der ?? REPLICA, 1);
  const like = listed ?? identityOf(REPLICA);
  return {
    name: 'impostor',
    identity: { ...like, ...octetsOf(der), issuer: like.subject, selfSigned: true },
    expired: false,
  };
}

/** Somebody whom an authority gave a certificate; without `authority`, one that no server knows. */
export function strangerOf(authority: Identity | undefined): Caller {
  const der = withOtherKey(REPLICA, 2);
  const { notBefore, notAfter } = identityOf(REPLICA);
  return {
    name: 'stranger',
    identity: {
      ...octetsOf(der),
      subject: [['CN', 'stranger']],
      issuer: authority?.subject ?? [['CN', 'an authority of its own']],
      serial: '0123456789ABCDEF',
      ...(notBefore && notAfter ? { notBefore, notAfter } : {}),
      selfSigned: false,
      isAuthority: false,
      signedBy: authority?.sha256 ?? '',
    },
    expired: false,
  };
}

/**
 * A caller with a self-signed certificate of any name.
 * @param resumes whether they resume the session in which they presented it
 */
export function forger(resumes: boolean): Caller {
  const { identity, ...stranger } = strangerOf(undefined);
  return {
    ...stranger,
    ...(identity && { identity: { ...identity, issuer: identity.subject, selfSigned: true } }),
    isForger: true,
    ...(resumes ? { resumes } : {}),
  };
}

/** The callers for what a configuration lists and for the authorities that it trusts. */
export function callersFor(
  listed: readonly Identity[],
  authorities: readonly Identity[],
  now: Date,
): Caller[] {
  const inDate = listed.filter(({ notAfter }) => notAfter === undefined || notAfter > now);
  const copied: (Identity | undefined)[] = listed.length === 0 ? [undefined] : [...listed];
  return [
    { name: 'none', expired: false },
    ...inDate.map((identity): Caller => ({ name: 'listed', identity, expired: false })),
    ...copied.map(impostorOf),
    strangerOf(undefined),
    forger(false),
    ...authorities.map(strangerOf),
    ...listed.map((identity): Caller => ({ name: 'expired', identity, expired: true })),
  ];
}
