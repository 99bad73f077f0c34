import type { CheckedCertificate, ExpiryReport } from '../../src/findings/check-expiry.js';
import { levelOf, worstLevel } from '../../src/findings/severity.js';
import type { ExpiryStatus } from '../../src/certificates/expiry.js';
import type { NamedStage } from '../../src/control-plane/named-stage.js';

const DAY = 86_400_000;

/** When the reports here were made. */
export const CHECKED_AT = new Date('2026-11-28T12:00:00Z');

/** `stages` stages a REST API. */
export function uses(apis: number, stages: number, from = 0): NamedStage[] {
  return Array.from({ length: apis * stages }, (_, i) => {
    const api = from + Math.floor(i / stages);
    return {
      restApiId: `api${String(api).padStart(7, '0')}`,
      apiName: `orders-service-${api}`,
      stageName: `stage${i % stages}`,
    };
  });
}

/** A certificate of 365 days, so many of which are left. */
export function checked(
  index: number,
  daysLeft: number,
  more: Partial<CheckedCertificate> = {},
): CheckedCertificate {
  const notAfter = new Date(CHECKED_AT.getTime() + daysLeft * DAY);
  const status: ExpiryStatus =
    daysLeft <= 0 ? 'expired' : daysLeft <= 7 ? 'critical' : daysLeft <= 30 ? 'warning' : 'ok';
  const notBefore = new Date(notAfter.getTime() - 365 * DAY);
  return {
    account: 'production',
    region: 'eu-central-1',
    clientCertificateId: index.toString(36).padStart(6, 'c'),
    description: `service ${index} of team ${index % 17}`,
    createdDate: notBefore,
    expirationDate: notAfter,
    status,
    daysLeft,
    subject: 'C=US, L=Seattle, CN=ApiGateway',
    issuer: 'C=US, L=Seattle, CN=ApiGateway',
    serialNumber: index.toString(16).padStart(16, '1'),
    notBefore,
    notAfter,
    fingerprintSha256: index.toString(16).padStart(64, '0').match(/../g)?.join(':') ?? '',
    tags: { team: `t${index % 17}` },
    usedBy: [],
    level: levelOf(status),
    ...more,
  };
}

/** A report of these certificates, with what `check-expiry` finds about those that are in use. */
export function reportOf(items: CheckedCertificate[], more: Partial<ExpiryReport> = {}): ExpiryReport {
  const findings = items.flatMap((item): ExpiryReport['findings'] =>
    item.level === 'ok' || item.usedBy?.length === 0
      ? []
      : [
          {
            account: item.account,
            region: item.region,
            code: item.status === 'warning' ? 'CertificateWarning' : 'CertificateCritical',
            severity: item.level,
            level: item.level,
            message: `${item.clientCertificateId} ends in ${item.daysLeft} days`,
            clientCertificateId: item.clientCertificateId,
          },
        ],
  );
  return {
    level: worstLevel(findings.map(({ level }) => level)),
    checkedAt: CHECKED_AT,
    thresholds: { warning: '30d', critical: '7d' },
    countsUnused: false,
    acmUnchecked: false,
    accounts: [{ name: 'production', profile: 'production' }],
    sources: [{ account: 'production', region: 'eu-central-1', state: 'read', certificates: items.length }],
    items: items.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime()),
    findings,
    ...more,
  };
}
