import type { ChalkInstance } from 'chalk';
import type { InspectedClientCertificate, InspectedFile } from './run.js';
import { printable } from '../../platform/printable.js';
import type { CertificateAnatomy, CertificateExtension } from '../../certificates/anatomy.js';
import { stageText } from '../../terminal/stage-options.js';
import type { AcmDetails } from '../../control-plane/acm-details.js';
import { acmText } from '../../terminal/acm-text.js';
import { facts } from '../../terminal/facts.js';
import { lifeText, timeText } from '../../findings/formats/time-text.js';

type Row = readonly [name: string, value: string];

/** Several values under one name, a line each; a word where there are none. */
function lines(name: string, values: readonly string[], none: string): Row[] {
  return (values.length === 0 ? [none] : values).map((value, index) => [index === 0 ? name : '', value]);
}

/** Hundreds of stages would hide all the rest. */
function someOf(names: readonly string[]): readonly string[] {
  return names.length <= MOST_USERS
    ? names
    : [...names.slice(0, MOST_USERS), `and ${names.length - MOST_USERS} more`];
}

const MOST_USERS = 10;

function extensionText({ name, critical, value }: CertificateExtension): string {
  return printable(`${name}${critical ? ' (critical)' : ''}: ${value}`);
}

function anatomyRows(
  certificate: CertificateAnatomy & Pick<InspectedFile['items'][number], 'status' | 'daysLeft'>,
  style: ChalkInstance,
): Row[] {
  return [
    ['status', lifeText(certificate, style)],
    ['valid from', timeText(certificate.notBefore)],
    ['expires', timeText(certificate.notAfter)],
    ['subject', printable(certificate.subject)],
    ['issuer', printable(certificate.issuer)],
    ['serial number', certificate.serialNumber],
    ['version', String(certificate.version)],
    ['public key', certificate.publicKey],
    ['signature', certificate.signatureAlgorithm],
    ...lines('extensions', certificate.extensions.map(extensionText), 'none'),
    ['SHA-256', certificate.fingerprintSha256],
    ['SHA-1', certificate.fingerprintSha1],
    ['SPKI pin', certificate.spkiPin],
  ];
}

function acmRows(acm: AcmDetails): Row[] {
  return [
    ['ACM', printable(acmText(acm))],
    ...(acm.certificateAuthorityArn === undefined
      ? []
      : ([['private CA', printable(acm.certificateAuthorityArn)]] as const)),
    ...lines(
      'chain',
      acm.chain.map(({ subject, notAfter }) => printable(`${subject}, expires ${timeText(notAfter)}`)),
      'none',
    ),
  ];
}

/** One certificate of the account, a fact a line. */
export function clientCertificateText(certificate: InspectedClientCertificate, style: ChalkInstance): string {
  const tags = Object.entries(certificate.tags).map(([key, value]) => printable(`${key}=${value}`));
  return facts([
    ['certificate', style.bold(certificate.clientCertificateId)],
    ['description', printable(certificate.description ?? 'none')],
    ...anatomyRows(certificate, style),
    ...(certificate.acm === undefined ? lines('tags', tags, 'none') : acmRows(certificate.acm)),
    ...lines('used by', someOf(certificate.usedBy.map(stageText)), 'no stage'),
  ]);
}

/** The certificates of a file, each under a heading with its place. */
export function fileText({ items }: InspectedFile, style: ChalkInstance): string {
  return items
    .map((certificate, index) =>
      facts([
        ['certificate', style.bold(`${index + 1} of ${items.length}, line ${certificate.line}`)],
        ...anatomyRows(certificate, style),
      ]),
    )
    .join('\n\n');
}
