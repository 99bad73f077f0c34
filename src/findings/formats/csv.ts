import type { ReportedFinding } from '../finding.js';
import { csvText, type Column } from './csv-text.js';

const COLUMNS = [
  ['severity', ({ severity }) => severity],
  ['code', ({ code }) => code],
  ['message', ({ message }) => message],
  ['remedy', ({ remedy = '' }) => remedy],
  ['account', ({ account = '' }) => account],
  ['region', ({ region = '' }) => region],
  ['clientCertificateId', ({ clientCertificateId = '' }) => clientCertificateId],
  ['restApiId', ({ stage }) => stage?.restApiId ?? ''],
  ['apiName', ({ stage }) => stage?.apiName ?? ''],
  ['stageName', ({ stage }) => stage?.stageName ?? ''],
  ['file', ({ file = '' }) => file],
  ['line', ({ line = '' }) => line],
] as const satisfies readonly Column<ReportedFinding>[];

/** One finding a line, with a heading. */
export function findingsCsv(findings: readonly ReportedFinding[]): string {
  return csvText<ReportedFinding>(COLUMNS, findings);
}
