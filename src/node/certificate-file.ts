import { X509Certificate } from 'node:crypto';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;
const MARKER = /-----(?:BEGIN|END) /;

/**
 * Reads the SHA-256 fingerprints (colon-separated upper-case hex, over the whole DER) of the certificates in PEM text.
 *
 * The blocks are split here since Node reads only the first of several, and loses one of two that are glued together
 * (`-----END CERTIFICATE----------BEGIN CERTIFICATE-----`), which is what AWS's PEM without a final newline becomes
 * when it is concatenated. CRLF, comments between the blocks and a byte order mark are fine.
 *
 * @throws Error for text that is not wholly understood: no certificate, an unfinished block, another kind of block,
 * something unreadable, or a certificate that is not self-signed. A shorter list than its author meant would refuse
 * callers at the next rotation, so nothing is skipped.
 */
export function fingerprintsIn(pem: string): string[] {
  const blocks = [...pem.matchAll(BLOCK)];
  if (MARKER.test(pem.replaceAll(BLOCK, '\n'))) throw new Error('it holds an unfinished PEM block');
  if (blocks.length === 0) throw new Error('it holds no certificate');
  const fingerprints = blocks.map(([, label = '', base64 = ''], index) => {
    if (label !== 'CERTIFICATE') throw new Error(`it holds a ${label}; only certificates belong there`);
    const certificate = parse(base64, index + 1);
    if (!certificate.checkIssued(certificate)) {
      throw new Error(
        `certificate ${index + 1} is not self-signed (issued by ${oneLine(certificate.issuer)}), as the client ` +
          'certificates that API Gateway generates are; for those of a private CA use the "ca" option of https',
      );
    }
    return certificate.fingerprint256;
  });
  return [...new Set(fingerprints)];
}

function parse(base64: string, position: number): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'));
  } catch (cause) {
    throw new Error(`certificate ${position} cannot be read`, { cause });
  }
}

/** A name as node:crypto prints it (an attribute a line) on one line: `C=US, L=Seattle, CN=ApiGateway`. */
export function oneLine(name: string): string {
  return name.trimEnd().split('\n').join(', ');
}
