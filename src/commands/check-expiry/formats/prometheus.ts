import type { ExpiryReport } from '../../../findings/check-expiry.js';
import { gauge, type Sample } from '../../../findings/formats/prometheus.js';

const seconds = (ms: number): number => Math.floor(ms / 1000);

/**
 * The text exposition format (version 0.0.4) for node_exporter's textfile collector, with names in the style of
 * x509-certificate-exporter.
 */
export function prometheusFormat({ items, sources, findings, checkedAt }: ExpiryReport): string {
  const certificates = items.map((row) => {
    const apis = [...new Set(row.usedBy?.map(({ apiName }) => apiName))].sort().join(',');
    const { account, region, clientCertificateId: id } = row;
    return { row, labels: { account, region, id, apis } };
  });
  const counts = new Map<string, Sample>();
  for (const { account = '', region = '', code, severity } of findings) {
    const key = JSON.stringify([account, region, code, severity]);
    counts.set(key, [{ account, region, code, severity }, (counts.get(key)?.[1] ?? 0) + 1]);
  }
  return [
    ...gauge(
      'apigw_client_certificate_not_before_seconds',
      'When the certificate becomes valid, Unix time.',
      certificates.map(({ row, labels }) => [labels, seconds(row.notBefore.getTime())]),
    ),
    ...gauge(
      'apigw_client_certificate_not_after_seconds',
      'When the certificate expires, Unix time.',
      certificates.map(({ row, labels }) => [labels, seconds(row.notAfter.getTime())]),
    ),
    ...gauge(
      'apigw_client_certificate_expires_in_seconds',
      'Time until the certificate expires; negative after expiry.',
      certificates.map(({ row, labels }) => [labels, seconds(row.notAfter.getTime() - checkedAt.getTime())]),
    ),
    ...gauge(
      'apigw_client_certificate_in_use',
      'Whether a stage presents the certificate; absent if the stages were not read.',
      certificates
        .filter(({ row }) => row.usedBy !== undefined)
        .map(({ row, labels }) => [labels, row.usedBy?.length === 0 ? 0 : 1]),
    ),
    ...gauge(
      'apigw_client_certificate_up',
      'Whether the account and Region could be read.',
      sources.map(({ account, region, state }) => [{ account, region }, state === 'read' ? 1 : 0]),
    ),
    ...gauge(
      'apigw_client_certificates',
      'Number of certificates in the account and Region.',
      sources.flatMap(({ account, region, certificates: count }) =>
        count === undefined ? [] : [[{ account, region }, count] as const],
      ),
    ),
    ...gauge('apigw_client_certificate_findings', 'Findings of check-expiry.', [...counts.values()]),
    ...gauge('apigw_client_certificate_checked_seconds', 'When the check ran, Unix time.', [
      [{}, seconds(checkedAt.getTime())],
    ]),
    '',
  ].join('\n');
}
