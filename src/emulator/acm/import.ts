import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { keyTypeOf, type KeyType } from '../../certificates/key-type.js';
import { certificateUses } from '../../certificates/uses.js';
import type { AcmCertificate, IssuedCertificate } from '../model.js';
import { invalid } from './operation.js';
import { certificatesIn } from './pem.js';

/** What ImportCertificate is given, decoded. */
interface Given {
  certificate: string;
  privateKey: string;
  chain: string | undefined;
}

function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw invalid('The private key is not supported.');
  }
}

function leafOf(text: string): { pem: string; x509: X509Certificate } {
  try {
    const [pem = '', ...others] = certificatesIn(text);
    if (others.length > 0) throw new Error('more than one');
    return { pem, x509: new X509Certificate(pem) };
  } catch {
    throw invalid('The certificate field contains more than one certificate, or none that can be read.');
  }
}

function chainOf(text: string | undefined): string {
  const chain = certificatesIn(text ?? '');
  try {
    for (const pem of chain) new X509Certificate(pem);
  } catch {
    throw invalid('The certificate chain cannot be read.');
  }
  if (text !== undefined && chain.length === 0) throw invalid('The certificate chain cannot be read.');
  return chain.join('');
}

/**
 * Checks what is to be imported, as far as ACM does: the key belongs to the certificate, which is valid now. The chain must
 * be readable, and is not verified.
 * @throws ServiceError 400 `ValidationException`; the words are the emulator's own
 */
export function checkedImport(given: Given, now: Date): { issued: IssuedCertificate; keyType: KeyType } {
  const { pem, x509 } = leafOf(given.certificate);
  const key = keyOf(given.privateKey);
  if (!x509.checkPrivateKey(key)) throw invalid('The private key does not match the certificate.');
  const keyType = keyTypeOf(key);
  if (keyType === undefined) throw invalid('The key algorithm of the certificate is not supported.');
  if (new Date(x509.validFrom) > now || new Date(x509.validTo) <= now) {
    throw invalid('The certificate is not valid at this time.');
  }
  return { issued: { pem, chainPem: chainOf(given.chain), privateKeyPem: given.privateKey }, keyType };
}

/** The one purpose that a certificate in place of another may lack. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

const lacks = (now: readonly string[] | undefined, before: readonly string[] | undefined): string[] =>
  now === undefined ? [] : (before ?? []).filter((use) => !now.includes(use));

/**
 * Checks a certificate that is to take the place of an imported one: its key has the same type, and its key usages and
 * extended key usages are those that there were, or more. clientAuth alone may be taken away.
 * @throws ServiceError 400 `ValidationException`; the words are the emulator's own
 */
export function checkReplacement(
  before: AcmCertificate,
  { issued, keyType }: { issued: IssuedCertificate; keyType: KeyType },
): void {
  if (before.type !== 'IMPORTED' || before.issued === undefined) {
    throw invalid(`The certificate ${before.arn} was not imported.`);
  }
  if (before.keyType !== keyType) {
    throw invalid(`The key type must stay ${before.keyType}; the new certificate has ${keyType}.`);
  }
  const [old, fresh] = [certificateUses(before.issued.pem), certificateUses(issued.pem)];
  const missing = [
    ...lacks(fresh.usages, old.usages),
    ...lacks(fresh.purposes, old.purposes).filter((purpose) => purpose !== CLIENT_AUTH),
  ];
  if (missing.length > 0) {
    throw invalid(`The new certificate lacks uses of the one that it replaces: ${missing.join(', ')}.`);
  }
}
