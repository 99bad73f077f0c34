import type { ExpiryReport } from '../../../findings/check-expiry.js';
import { sourceName, type Source } from '../../../settings/accounts.js';
import {
  caseOf,
  type CountedFinding,
  type FindingsReport,
  type Suite,
} from '../../../findings/formats/report.js';
import { summaryLine } from '../../../findings/formats/summary.js';

const fails = ({ level }: CountedFinding): boolean => level !== 'ok';

/** A suite for each account and Region, with a case for each certificate and one for what is about none of them. */
function suitesOf({ sources, items, findings }: ExpiryReport): Suite[] {
  const suite = (name: string, source: Source | undefined): Suite => {
    const isOf = ({ account, region }: Partial<Source>): boolean =>
      account === source?.account && region === source?.region;
    const own = findings.filter(isOf);
    const rows = items.filter(isOf);
    const ids = new Set(rows.map(({ clientCertificateId }) => clientCertificateId));
    const cases = rows.map(({ clientCertificateId: id, description }) =>
      caseOf(
        description ? `${id} ${description}` : id,
        own.filter(({ clientCertificateId }) => clientCertificateId === id),
        fails,
      ),
    );
    const others = own.filter(({ clientCertificateId: id }) => id === undefined || !ids.has(id));
    return { name, cases: [...cases, caseOf('account and Region', others, fails)] };
  };
  return [
    ...sources.map((source) => suite(sourceName(source), source)),
    ...(findings.some(({ account }) => account === undefined) ? [suite('all sources', undefined)] : []),
  ];
}

/** What `check-expiry` found, for the formats that all findings have. */
export const expiryFindings = (report: ExpiryReport): FindingsReport => ({
  command: 'check-expiry',
  level: report.level,
  summary: summaryLine(report),
  findings: report.findings,
  suites: () => suitesOf(report),
});
