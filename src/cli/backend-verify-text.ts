import type { ChalkInstance } from 'chalk';
import type { BackendReport } from '../app/backend-verify.js';
import type { Admission, Verdict, VerdictReason } from '../core/backend-verdict.js';
import { printable } from '../core/printable.js';
import type { ServerChainProblem } from '../x509/server-chain.js';
import { timeText } from './status.js';
import { facts } from './facts.js';

const VERDICTS: Readonly<Record<Verdict, readonly [words: string, colour: 'green' | 'red' | 'yellow']>> = {
  enforced: ['ENFORCED', 'green'],
  notEnforced: ['NOT ENFORCED', 'red'],
  unclear: ['UNCLEAR', 'yellow'],
};

const REASONS: Readonly<Record<VerdictReason, string>> = {
  refusesBoth: 'it asks for a certificate, and refuses a caller without one and an impostor of API Gateway',
  neverAsks: 'it never asks for a certificate and answers everybody',
  admitsWithout: 'it answers a caller without a certificate',
  admitsImpostor:
    'it lets in anybody who makes a certificate with the name of API Gateway: all such certificates have the same name, so the name proves nothing',
  refusesWithoutAsking:
    'it refuses, but asks for no certificate in the handshake: perhaps for another reason, such as a missing API key, or it asks later and for some paths only',
  answersOtherwise:
    'neither let in nor refused: name a path that answers 200 to API Gateway, such as https://host/health',
};

const PROBLEMS: Readonly<Record<ServerChainProblem, string>> = {
  expired: 'a certificate of its chain has expired',
  notYetValid: 'a certificate of its chain is not valid yet',
  wrongHost: 'it is for another host name',
  selfSigned: 'it is self-signed: API Gateway connects only with insecureSkipVerification',
  unknownIssuer:
    'no public root vouches for it, or the server does not send its intermediate certificates (a private authority: --backend-ca FILE)',
  unreadable: 'it could not be read',
};

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
  if (asksForCertificate === null) return 'could not be read';
  return asksForCertificate ? 'yes' : 'no';
}

function lines(name: string, values: readonly string[]): (readonly [string, string])[] {
  return values.map((value, i) => [i === 0 ? name : '', value]);
}

/** The verdict in a sentence, then what it rests on, a fact a line. */
export function backendReportText(report: BackendReport, style: ChalkInstance): string {
  const { server, caNames } = report;
  const [words, colour] = VERDICTS[report.verdict];
  const leaf = server.certificates[0];
  return [
    `${style[colour](words)}: ${REASONS[report.reason]}`,
    '',
    facts([
      ['asks for a certificate', asksText(report)],
      ...(report.asksForCertificate === true
        ? lines('of the authorities', caNames.length === 0 ? ['any: it names none'] : caNames.map(printable))
        : []),
      ['without a certificate', admissionText(report.withoutCertificate)],
      ['with an impostor’s', admissionText(report.withImpostor)],
      ['TLS version', report.protocol ?? 'no handshake was completed'],
      ...(leaf ? [['its own certificate', printable(leaf.subject)] as const] : []),
      ...(leaf ? [['issued by', printable(leaf.issuer)] as const] : []),
      ...(leaf && server.daysLeft !== null
        ? [['valid to', `${timeText(leaf.notAfter)}, chain ends in ${server.daysLeft} days`] as const]
        : []),
      ...lines(
        'API Gateway accepts it',
        server.acceptedByApiGateway ? ['yes'] : server.problems.map((problem) => `no: ${PROBLEMS[problem]}`),
      ),
      ['took', `${report.took} ms`],
    ]),
  ].join('\n');
}
