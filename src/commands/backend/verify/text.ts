import type { ChalkInstance } from 'chalk';
import type { BackendReport } from './run.js';
import type { Admission } from '../../../net/tls-probe.js';
import { treatmentOf, type Verdict, type VerdictReason } from './rules.js';
import { printable } from '../../../platform/printable.js';
import { ANNOUNCE } from '../../../findings/catalogue/java-client.js';
import type { ReportedFinding } from '../../../findings/finding.js';
import { findingText } from '../../../findings/formats/text.js';
import type { ServerChainProblem } from '../../../certificates/server-chain.js';
import { counted } from '../../../platform/counted.js';
import { timeText } from '../../../findings/formats/time-text.js';
import { facts } from '../../../terminal/facts.js';

const VERDICTS: Readonly<Record<Verdict, readonly [words: string, colour: 'green' | 'red' | 'yellow']>> = {
  enforced: ['ENFORCED', 'green'],
  notEnforced: ['NOT ENFORCED', 'red'],
  unclear: ['UNCLEAR', 'yellow'],
};

const REASONS: Readonly<Record<VerdictReason, string>> = {
  refusesBoth:
    'the backend requests a certificate, and refuses a caller without one and an impostor of API Gateway',
  neverAsks: 'the backend never requests a certificate and answers any caller',
  admitsWithout: 'the backend answers a caller without a certificate',
  admitsImpostor:
    'the backend accepts any certificate with the name of API Gateway. Anyone can create one: all API Gateway certificates have the same name, so the name proves nothing',
  asksLate:
    'the backend requests a certificate only after it has read the request path, so this check could not see what it does with one',
  refusesWithoutAsking:
    'the backend refuses the request, but does not request a certificate in the handshake. The reason may be another, such as a missing API key, or it may request a certificate later and only for some paths',
  answersOtherwise:
    'the request was neither accepted nor refused: use a path that answers API Gateway with 200, such as https://host/health',
};

type ServerReport = BackendReport['server'];

function chainText(problem: ServerChainProblem, { root, olderRoot, listDate }: ServerReport): string {
  switch (problem) {
    case 'expired':
      return 'a certificate in its chain has expired';
    case 'notYetValid':
      return 'a certificate in its chain is not valid yet';
    case 'wrongHost':
      return 'it is for another host name';
    case 'notForServers':
      return 'its extended key usage does not include serverAuth';
    case 'selfSigned':
      return 'it is self-signed: API Gateway connects only with insecureSkipVerification';
    case 'unknownIssuer':
      return 'no public root CA issued it, or the server does not send its intermediate certificates (for a private CA: --backend-ca FILE)';
    case 'rootNotListed':
      return (
        `its root ${printable(root ?? '')} is not on AWS's list of accepted CAs (${listDate}): ` +
        (olderRoot === undefined
          ? 'send a chain that its CA cross-signed with an older root, or use a CA on the list'
          : `send the chain to ${olderRoot}`)
      );
    case 'unreadable':
      return 'it could not be read';
  }
}

/** Whether a report has something that keeps API Gateway, or the certificate of --cert, from being let in. */
export function hasError({ findings, withCertificate }: BackendReport): boolean {
  return (
    findings.some(({ severity }) => severity === 'critical') ||
    (withCertificate !== undefined && treatmentOf(withCertificate) !== 'admitted')
  );
}

/** A finding; the kind of server is not known here, so what to do is said for each. */
function javaFindingText(finding: ReportedFinding, style: ChalkInstance): string {
  const isAnnounced = finding.code === 'CertificateWithheld' || finding.code === 'CaNamesTooLarge';
  const servers = isAnnounced ? ANNOUNCE.map(([server, how]) => `    ${server}: ${how}`) : [];
  return [`${findingText(finding, style)}${isAnnounced ? ':' : ''}`, ...servers].join('\n');
}

function javaText({ answers }: BackendReport['javaClient']): string {
  if (answers === undefined) return 'not requested in the handshake';
  return answers ? 'would present its certificate' : 'would withhold its certificate';
}

function admissionText(admission: Admission): string {
  switch (admission.kind) {
    case 'answered':
      return `HTTP ${admission.status}`;
    case 'refused':
      return `refused (${admission.reason})`;
    case 'unclear':
      return `no clear answer (${admission.reason})`;
  }
}

function asksText({ asksForCertificate }: BackendReport): string {
  if (asksForCertificate === undefined) return 'could not be read';
  return asksForCertificate ? 'yes' : 'no';
}

function lines(name: string, values: readonly string[]): (readonly [string, string])[] {
  return values.map((value, i) => [i === 0 ? name : '', value]);
}

const REISSUED = "yes, if it knows this root: AWS's list has an earlier certificate of it, of the same name";

/** The verdict in a sentence, then what it rests on, a fact a line. */
export function backendReportText(report: BackendReport, style: ChalkInstance): string {
  const { server, caNames } = report;
  const [words, colour] = VERDICTS[report.verdict];
  const leaf = server.certificates[0];
  return [
    `${style[colour](words)}: ${REASONS[report.reason]}`,
    '',
    facts([
      ['requests a certificate', asksText(report)],
      ...(report.asksForCertificate === true
        ? lines('announced CA names', caNames.length === 0 ? ['none'] : caNames.map(printable))
        : []),
      ['without a certificate', admissionText(report.withoutCertificate)],
      ['with an impostor’s', admissionText(report.withImpostor)],
      ...(report.withCertificate === undefined
        ? []
        : [['with the one of --cert', admissionText(report.withCertificate)] as const]),
      ['a Java client', javaText(report.javaClient)],
      ['TLS version', report.protocol ?? 'no handshake was completed'],
      ...(leaf ? [['its own certificate', printable(leaf.subject)] as const] : []),
      ...(leaf ? [['issued by', printable(leaf.issuer)] as const] : []),
      ...(leaf && server.daysLeft !== undefined
        ? [
            [
              'expires',
              `${timeText(leaf.notAfter)}, chain expires in ${counted(server.daysLeft, 'day')}`,
            ] as const,
          ]
        : []),
      ...lines(
        'API Gateway accepts it',
        server.acceptedByApiGateway
          ? [server.isRootReissued ? REISSUED : 'yes']
          : server.problems.map((problem) => `no: ${chainText(problem, server)}`),
      ),
      ['took', `${report.took} ms`],
    ]),
    ...report.findings.map((finding) => `\n${javaFindingText(finding, style)}`),
  ].join('\n');
}
