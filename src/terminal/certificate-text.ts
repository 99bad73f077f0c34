import type { ChalkInstance } from 'chalk';
import type { CertificateView } from '../control-plane/certificate-view.js';
import { printable } from '../platform/printable.js';
import { facts } from './facts.js';
import { lifeText, timeText } from '../findings/formats/time-text.js';

/** One certificate, a fact a line. */
export function certificateFactsText(certificate: CertificateView, style: ChalkInstance): string {
  const tags = Object.entries(certificate.tags).map(([key, value]) => printable(`${key}=${value}`));
  return facts([
    ['certificate', style.bold(certificate.clientCertificateId)],
    ...(certificate.description ? [['description', printable(certificate.description)] as const] : []),
    ['status', lifeText(certificate, style)],
    ['valid from', timeText(certificate.notBefore)],
    ['expires', timeText(certificate.notAfter)],
    ['subject', printable(certificate.subject)],
    ['serial number', certificate.serialNumber],
    ['SHA-256', certificate.fingerprintSha256],
    ...(tags.length > 0 ? [['tags', tags.join(', ')] as const] : []),
  ]);
}
