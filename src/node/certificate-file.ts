import { X509Certificate } from 'node:crypto';
import { readPemText, type PemFinding } from '../certificates/pem.js';

/**
 * Reads the SHA-256 fingerprints (colon-separated upper-case hex, over the whole DER) of the certificates in PEM text.
 *
 * The blocks are split here since Node reads only the first of several, and loses one of two that are glued together
 * (`-----END CERTIFICATE----------BEGIN CERTIFICATE-----`), which is what AWS's PEM without a final newline becomes
 * when it is concatenated. CRLF, comments between the blocks, a byte order mark and the JSON of the aws command line are
 * fine.
 *
 * @throws Error for text that is not wholly understood: no certificate, an unfinished block, another kind of block,
 * something unreadable, or a certificate that is not self-signed. A shorter list than its author meant would refuse
 * callers at the next rotation, so nothing is skipped.
 */
export function fingerprintsIn(pem: string): string[] {
  const { certificates, findings } = readPemText(pem);
  for (const finding of findings) refuse(finding);
  if (certificates.length === 0) throw new Error('it holds no certificate');
  const fingerprints = certificates.map(({ label, octets }, index) => {
    if (label !== 'CERTIFICATE') throw new Error(`it holds a ${label}; only certificates belong there`);
    const certificate = parse(octets, index + 1);
    if (!certificate.checkIssued(certificate)) {
      throw new Error(
        `certificate ${index + 1} is not self-signed (issued by ${oneLine(certificate.issuer)}), as the client ` +
          'certificates that API Gateway generates are; for certificates of a private CA, use the "ca" option of https',
      );
    }
    return certificate.fingerprint256;
  });
  return [...new Set(fingerprints)];
}

/** What keeps a text from being wholly understood; that others would not read it is nothing against it here. */
function refuse(finding: PemFinding): void {
  switch (finding.code) {
    case 'BrokenPem':
      throw new Error(
        finding.problem === 'marker'
          ? 'it holds an unfinished PEM block'
          : `the PEM block at line ${finding.line} is damaged`,
      );
    case 'NotACertificate':
      throw new Error(`it holds a ${finding.label}; only certificates belong there`);
    case 'PrivateKey':
      throw new Error('it holds a PRIVATE KEY; only certificates belong there');
    case 'Utf16Text':
      throw new Error("it is UTF-16, as Windows PowerShell's > writes it; save it as UTF-8");
    case 'GluedPem':
    case 'LineBreaksLost':
    case 'JsonText':
  }
}

function parse(der: Uint8Array, position: number): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new Error(`certificate ${position} cannot be read`, { cause });
  }
}

/** A name as node:crypto prints it (an attribute a line) on one line: `C=US, L=Seattle, CN=ApiGateway`. */
export function oneLine(name: string): string {
  return name.trimEnd().split('\n').join(', ');
}
