import { X509Certificate } from 'node:crypto';
import { crossedNames, rootProblem } from '../certificates/authority.js';
import { type CallerName, nameIn } from '../certificates/caller-name.js';
import { type PemAuthority, readPemText, type PemFinding } from '../certificates/pem.js';

/** A root, and the name that a certificate of its CA must have to be accepted. */
export interface TrustedRoot extends CallerName {
  root: X509Certificate;
}

/** Who may call. */
export interface TrustList {
  /** Exact certificates by their SHA-256 fingerprint (colon-separated upper-case hex, over the whole DER). */
  certificates: ReadonlyMap<string, X509Certificate>;
  roots: readonly TrustedRoot[];
}

/**
 * Reads PEM text: certificates, and roots with a name in blocks of their own label (`{ ca, subject }`).
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
export function trustListIn(pem: string): TrustList {
  const { certificates, authorities, findings } = readPemText(pem);
  for (const finding of findings) refuse(finding);
  if (certificates.length + authorities.length === 0) throw new Error('it holds no certificate');
  const exact = certificates.map(({ label, octets }, index) => {
    if (label !== 'CERTIFICATE') throw new Error(`it holds a ${label}; only certificates belong there`);
    const certificate = parse(octets, index + 1);
    if (!certificate.checkIssued(certificate)) {
      throw new Error(
        `certificate ${index + 1} is not self-signed (issued by ${oneLine(certificate.issuer)}), as the client ` +
          'certificates that API Gateway generates are; for certificates of a private CA, list its root with the subject',
      );
    }
    return [certificate.fingerprint256, certificate] as const;
  });
  const roots = authorities.map(trustedRoot);
  const problem = crossedNames(roots.map(({ root, ...name }) => ({ root: root.fingerprint256, ...name })));
  if (problem !== undefined) throw new Error(problem);
  return { certificates: new Map(exact), roots };
}

function trustedRoot({ line, octets, headers }: PemAuthority): TrustedRoot {
  const root = parse(octets, line, 'line');
  const problem = rootProblem(root);
  if (problem !== undefined) throw new Error(`the CA at line ${line} (${oneLine(root.subject)}) ${problem}`);
  try {
    return { root, ...nameIn(headers) };
  } catch (cause) {
    throw new Error(`the name at line ${line} cannot be compared: ${(cause as Error).message}`, { cause });
  }
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

function parse(der: Uint8Array, position: number, by: 'number' | 'line' = 'number'): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new Error(`${by === 'line' ? 'the CA at line' : 'certificate'} ${position} cannot be read`, {
      cause,
    });
  }
}

/** A name as node:crypto prints it (an attribute a line) on one line: `C=US, L=Seattle, CN=ApiGateway`. */
export function oneLine(name: string): string {
  return name.trimEnd().split('\n').join(', ');
}
