import { createHash } from 'node:crypto';
import type { TrustedCertificate } from '../certificates/certificate.js';
import { AppError } from '../platform/errors.js';
import { entryComment, type Segment, type TrustFormat } from './format.js';

/** A server's notation in which each certificate has a line of its own. */
export interface LineNotation {
  /** The lines that this notation needs around its entries; empty for a plain list. */
  head: readonly string[];
  tail: readonly string[];
  /** What stands before each entry. */
  indent: string;
  /** One entry on one line. */
  write(certificate: TrustedCertificate): string;
  /** The fingerprint that a line makes trusted; `undefined` for every other line. */
  read(line: string): string | undefined;
  /** A line of an entry as it is written today, where an earlier version wrote it in a way that is not safe. */
  renew?(line: string): string;
  /** Why a line must not be there at all. */
  refuse?(line: string): string | undefined;
  /** Whether the block may be put behind text of somebody else; not in a document with one root. */
  appendable: boolean;
}

const BEGIN = '# apigw-cert begin: the lines up to the end are kept by apigw-cert';
const END = '# apigw-cert end';

/** 64 hex digits as this tool writes fingerprints: upper case with colons. */
export function fingerprintOfHex(hex: string): string {
  return hex.toUpperCase().match(/../g)?.join(':') ?? '';
}

/** 64 lower-case hex digits, as servers write fingerprints. */
export function hexOfFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

/** The fingerprint of a certificate's DER in base64. */
export function fingerprintOfBase64(base64: string): string {
  return fingerprintOfHex(createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex'));
}

/** The fingerprint of a PEM certificate, or `undefined` if it is none. */
export function fingerprintOfPem(pem: string): string | undefined {
  const base64 = /^-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----\s*$/.exec(
    pem,
  )?.[1];
  return base64 === undefined ? undefined : fingerprintOfBase64(base64);
}

/** The base64 of a certificate's DER on one line. */
export function base64OfPem(pem: string): string {
  return pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
}

const IS_OUR_COMMENT = /^\s*# apigw-cert (?!begin|end)/;

function parse(notation: LineNotation, text: string): Segment[] {
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) {
    throw new AppError('TrustStoreUnreadable', 'it holds a private key, which has no place here', {
      hint: 'move the key elsewhere, and replace it if others could read this file',
    });
  }
  if (/^-----BEGIN CERTIFICATE-----/m.test(text)) {
    throw new AppError(
      'TrustStoreUnreadable',
      'it is a list of certificates in PEM, which this server does not read',
      {
        hint: 'is it of the kind pem-bundle:FILE? A new list begins as an empty file',
      },
    );
  }
  const segments: Segment[] = [];
  let pending = '';
  const keepPending = (): void => {
    if (pending !== '') segments.push({ text: pending });
    pending = '';
  };
  text.split(/(?<=\n)/).forEach((line, index) => {
    const bare = line.trim();
    const objection = notation.refuse?.(bare);
    if (objection !== undefined) {
      throw new AppError('TrustStoreUnreadable', `line ${index + 1}: ${objection}`, {
        hint: 'remove this line',
        details: { line: index + 1 },
      });
    }
    const fingerprint = notation.read(bare);
    if (fingerprint !== undefined) {
      segments.push({ text: `${pending}${line}`, fingerprint });
      pending = '';
      return;
    }
    keepPending();
    if (IS_OUR_COMMENT.test(line)) pending = line;
    else if (line !== '') segments.push({ text: line });
  });
  keepPending();
  return segments;
}

function insert(notation: LineNotation, text: string, certificate: TrustedCertificate): string {
  const { head, tail, indent, appendable } = notation;
  const entry = `${indent}# ${entryComment(certificate)}\n${indent}${notation.write(certificate)}\n`;
  const close = [...tail, END, ''].join('\n');
  const end = text.lastIndexOf(close);
  if (end !== -1 && (end === 0 || text[end - 1] === '\n'))
    return `${text.slice(0, end)}${entry}${text.slice(end)}`;

  const newline = text === '' || text.endsWith('\n') ? '' : '\n';
  const segments = parse(notation, `${text}${newline}`);
  const last = segments.findLastIndex(({ fingerprint }) => fingerprint !== undefined);
  if (last !== -1) {
    const join = (part: Segment[]): string => part.map((segment) => segment.text).join('');
    return `${join(segments.slice(0, last + 1))}${entry}${join(segments.slice(last + 1))}`;
  }
  if (!appendable && text.trim() !== '') {
    throw new AppError('TrustStoreFailed', 'it holds something else and no list of certificates to add to', {
      hint: 'name a file that apigw-cert has for itself, empty to begin with',
    });
  }
  return `${text}${newline}${[BEGIN, ...head, ''].join('\n')}${entry}${close}`;
}

/** Only lines of entries are renewed, and of these only what is between the white space. */
function renewed(notation: LineNotation, text: string): string {
  return text.replaceAll(/[^\s][^\n]*[^\s]/g, (line) =>
    notation.read(line) === undefined ? line : (notation.renew?.(line) ?? line),
  );
}

/** Makes a format of a notation: one line a certificate, with a comment before it, in a block that is ours. */
export function lineFormat(notation: LineNotation): TrustFormat {
  return {
    parse: (text) => parse(notation, text),
    renew: (text) => renewed(notation, text),
    insert: (text, certificate) => insert(notation, text, certificate),
  };
}
