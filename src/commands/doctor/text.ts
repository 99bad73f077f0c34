import type { ChalkInstance } from 'chalk';
import type { DoctorReport } from './run.js';
import { stageText } from '../../rotation/rules/unit.js';
import { printable } from '../../platform/printable.js';
import { listText } from '../../platform/list-text.js';
import { countText, findingText } from '../../findings/formats/text.js';
import type { DoctorProbe } from '../../findings/rules/doctor.js';
import type { Held } from '../../findings/rules/doctor-trust.js';
import { facts } from '../../terminal/facts.js';

function answers(probes: readonly DoctorProbe[] | undefined): string {
  if (probes === undefined || probes.length === 0) return 'not tested';
  const words = { accepted: 'answers', refused: 'refuses with', unknown: 'fails with' };
  return listText(
    probes.map(({ backend, outcome, status }) => printable(`${backend} ${words[outcome]} ${status}`)),
  );
}

const HELD = {
  certificate: 'the certificate',
  rootWithName: 'the root of its CA with its name',
  caWithoutName: 'a CA of it without a name',
} as const satisfies Record<Held, string>;

function holding(holds: readonly Held[] | undefined): string {
  if (holds === undefined) return 'unknown';
  return holds.length === 0
    ? 'does not hold the certificate'
    : `holds ${holds.map((each) => HELD[each]).join(' and ')}`;
}

const ENDPOINT_TYPES: Readonly<Record<string, string>> = {
  EDGE: 'edge-optimized (calls come through CloudFront; API Gateway still calls the backend)',
  PRIVATE: 'private',
  REGIONAL: 'Regional',
};

const endpointText = (type: string): string => ENDPOINT_TYPES[type] ?? printable(type);

const nameOf = ({ stage }: DoctorReport): string =>
  printable(`${stage.apiName}/${stage.stageName} (${stageText(stage)})`);

/** The stage and its findings in one line. */
export const doctorSummary = (report: DoctorReport): string =>
  `stage ${nameOf(report)}: ${countText(report.findings)}`;

/** What was tried and seen, then each finding with its remedy, worst first. */
export function doctorText(report: DoctorReport, style: ChalkInstance): string {
  const { probes, clientCertificateId, otherCertificateId, trustStores = [], findings } = report;
  return [
    facts([
      ['stage', style.bold(nameOf(report))],
      ...(report.endpointTypes.length === 0
        ? []
        : [['endpoint type', report.endpointTypes.map(endpointText).join(', ')] as const]),
      ['certificate', printable(clientCertificateId ?? 'none')],
      ['with it', answers(probes.current)],
      ['without any', answers(probes.without)],
      [
        `with another${otherCertificateId === undefined ? '' : ` (${otherCertificateId})`}`,
        answers(probes.other),
      ],
      ...trustStores.map(
        ({ trustStore, holds }) => ['trust store', printable(`${trustStore}: ${holding(holds)}`)] as const,
      ),
    ]),
    '',
    ...findings.map((finding) => findingText(finding, style)),
    countText(findings),
  ].join('\n');
}
