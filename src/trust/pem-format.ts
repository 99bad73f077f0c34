import { AppError } from '../platform/errors.js';
import { type BundleFinding, readBundle, writeAuthority, writeBundle } from '../certificates/bundle.js';
import { keyOf, type Segment, type TrustFormat } from './format.js';

/**
 * The comment that is written before a block, if it is there, and the block with its line's end. A name before the base64 of a
 * root may have hyphens, but no five in a row.
 */
const BLOCK =
  /(?:^# [^\n]* notAfter \S+Z\n)?-----BEGIN ([^\r\n-]*)-----(?:(?!-----)[^])*-----END \1-----(?:[^\S\n]*(?:\n|$))?/gm;

/** What makes a file unfit to be changed; what is only odd (a subject that is shared, a duplicate) is not refused. */
function refuse(finding: BundleFinding): void {
  const unfit = (what: string, hint: string): never => {
    throw new AppError('TrustStoreUnreadable', `line ${finding.line}: ${what}`, {
      hint,
      details: { line: finding.line },
    });
  };
  switch (finding.code) {
    case 'PrivateKey':
      return unfit(
        'a private key, which has no place in a list of trusted certificates',
        'move the key elsewhere, and replace it if others could read this file',
      );
    case 'NotACertificate':
      return unfit(
        `a ${finding.label}, not a certificate`,
        'keep certificates alone in this file, and everything else in a file of its own',
      );
    case 'GluedPem':
      return unfit(
        'a certificate that does not begin and end on lines of its own',
        'put each on a line of its own: of certificates glued together some programs lose one, and others refuse the file',
      );
    case 'LineBreaksLost':
      return unfit(
        'a certificate that has lost its line breaks, which nginx, OpenSSL and Node.js do not read',
        'write it again: apigw-cert download ID --out-file FILE --force',
      );
    case 'Utf16Text':
      return unfit(
        "the file is UTF-16, as Windows PowerShell's > writes it, which nginx, OpenSSL and Node.js do not read",
        'save it as UTF-8, or write it again: apigw-cert download ID --out-file FILE --force',
      );
    case 'JsonText':
      return unfit(
        'the file is JSON, as the aws command line prints it, which nginx, OpenSSL and Node.js do not read',
        'write the certificate alone: apigw-cert download ID --out-file FILE --force',
      );
    case 'BrokenPem':
      return unfit(
        'a damaged certificate',
        'remove it or put it right; "apigw-cert inspect" shows what can be read',
      );
    case 'SharedSubject':
    case 'DuplicateCertificate':
  }
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}

function parse(text: string): Segment[] {
  const { certificates, authorities, findings } = readBundle(Buffer.from(text, 'latin1'));
  findings.forEach(refuse);
  const certificateAt = new Map(certificates.map(({ line, certificate }) => [line, certificate]));
  const fingerprintAt = new Map(
    certificates.map(({ line, certificate }) => [line, certificate.fingerprintSha256]),
  );
  for (const finding of findings) {
    if (finding.code === 'DuplicateCertificate') fingerprintAt.set(finding.line, finding.fingerprintSha256);
  }
  const authorityAt = new Map(authorities.map(({ line, authority }) => [line, authority]));
  const segments: Segment[] = [];
  let end = 0;
  let line = 1;
  for (const match of text.matchAll(BLOCK)) {
    const [block] = match;
    if (match.index > end) segments.push({ text: text.slice(end, match.index) });
    const begin = match.index + block.indexOf('-----BEGIN');
    line += linesIn(text.slice(end, begin));
    const fingerprint = fingerprintAt.get(line);
    const certificate = certificateAt.get(line);
    const authority = authorityAt.get(line);
    segments.push({
      text: block,
      ...(fingerprint === undefined ? {} : { fingerprint }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(authority === undefined ? {} : { authority }),
    });
    end = match.index + block.length;
    line += linesIn(text.slice(begin, end));
  }
  if (end < text.length) segments.push({ text: text.slice(end) });
  const entries = fingerprintAt.size + authorityAt.size;
  if (segments.filter((segment) => keyOf(segment) !== undefined).length !== entries) {
    throw new AppError('TrustStoreUnreadable', 'its certificates are not in PEM', {
      hint: 'rewrite it: apigw-cert download ID --out-file FILE --force',
    });
  }
  if (entries === 0 && /^[^#\s]/m.test(text)) {
    throw new AppError('TrustStoreUnreadable', 'it holds no certificate in PEM, but something else', {
      hint: 'is it of another kind, such as nginx:FILE? A new list begins as an empty file',
    });
  }
  return segments;
}

const behind = (text: string, entry: string): string =>
  `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${entry}`;

/** A text of PEM certificates (RFC 7468), each with a comment line that says what it is. */
export const pemFormat: TrustFormat = {
  parse,
  insert: (text, certificate) => behind(text, writeBundle([certificate])),
  authorities: { insert: (text, authority) => behind(text, writeAuthority(authority)) },
};
