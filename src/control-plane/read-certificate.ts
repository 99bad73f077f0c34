import type { ClientCertificate } from './api-gateway.js';
import type { Certificate } from './certificate.js';
import { AppError } from '../platform/errors.js';
import { readMark } from './marks.js';
import { trustedCertificate } from '../certificates/parse.js';

/**
 * Reads the PEM of one of the account's certificates by `read`, and names the certificate where that fails: it is one
 * of many, and may have been made a moment ago.
 * @throws AppError `CertificateUnreadable`
 */
export function readPem<T>(
  { clientCertificateId, pemEncodedCertificate }: ClientCertificate,
  read: (pem: string) => T,
): T {
  try {
    return read(pemEncodedCertificate);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError(
      'CertificateUnreadable',
      `the client certificate ${clientCertificateId} comes with a PEM that cannot be read`,
      {
        hint: 'some emulators make up such text; on AWS, delete it when no stage presents it, and generate another',
        cause,
        details: { clientCertificateId },
      },
    );
  }
}

/** A certificate of the account with what it says itself and its mark. @throws AppError `CertificateUnreadable` */
export function certificateOf(answer: ClientCertificate): Certificate {
  const mark = readMark(answer);
  return {
    ...answer,
    trusted: readPem(answer, (pem) => trustedCertificate(pem, answer.clientCertificateId)),
    ...(mark ? { mark } : {}),
  };
}
