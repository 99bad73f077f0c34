import { listText } from '../core/stages-text.js';
import type { ChalkInstance } from 'chalk';
import type { DoctorReport } from '../app/doctor.js';
import { DOCTOR_CODES, type DoctorCode, type DoctorFinding, type DoctorProbe } from '../core/doctor.js';
import { filledIn } from '../core/placeholders.js';
import { printable } from '../core/printable.js';
import { countText, severityText } from './severity-text.js';
import { facts } from './facts.js';

/** What a finding means, and what to do about it. */
export const DOCTOR_PROSE: Readonly<Record<DoctorCode, { meaning: string; remedy: string }>> = {
  AnyWithIntegrationMethod: {
    meaning:
      'every call of this ANY method reaches the backend with the method of the integration, a GET as well',
    remedy:
      'no safe call can be made by it: name one that the backend takes for safe with --probe, or set the integration method to ANY',
  },
  BackendAdmitsOther: {
    meaning:
      'the backend lets in another certificate than this stage presents: it takes any of API Gateway’s, or somebody has trusted this one already',
    remedy: 'compare whole certificates: apigw-cert backend config SERVER prints how',
  },
  BackendAdmitsWithout: {
    meaning: 'the backend lets in a caller without any certificate: whoever reaches it may call it',
    remedy: 'let it demand the certificate: apigw-cert backend config SERVER prints how',
  },
  BackendAnswersNobody: {
    meaning:
      'a call with the certificate of the stage fails, and the answers do not show that the certificate is the cause',
    remedy:
      'is the backend running, and does the address of the integration reach it? If it refuses by ending the handshake, it may not trust the certificate: apigw-cert backend show',
  },
  BackendCertificateNotAccepted: {
    meaning:
      "API Gateway ends the handshake, since it does not accept the backend's own server certificate or its name; the client certificate is not the cause",
    remedy:
      'from a machine that reaches the backend, apigw-cert backend verify URL says what is wrong with it',
  },
  BackendRefusesCurrent: {
    meaning: 'a call with the certificate of the stage fails',
    remedy:
      'if the backend does not trust it, add it: apigw-cert backend add; if the call itself is wrong, name another: --probe "GET /health"',
  },
  BehindLoadBalancer: {
    meaning:
      'this is the name of a load balancer. With an HTTPS or TLS listener it ends TLS itself: then its own trust store decides about the client certificate, and the backend never sees it',
    remedy:
      "let a Network Load Balancer pass TCP through to a backend that checks; with a VPC link, the URI's host has to be a name of the backend's certificate",
  },
  BehindVpcLink: {
    meaning:
      "this integration goes through a VPC link: API Gateway presents the certificate to whatever ends TLS behind it, and takes the URI's host for the server name",
    remedy:
      'check that the load balancer of the link passes TCP through, and that the host is a name of the backend’s certificate',
  },
  BackendUnproved: {
    meaning:
      'this backend was not called, since no safe GET request reaches it: nothing is known about it. Safe is a GET or HEAD without parameters whose integration is GET or HEAD too; WebSocket APIs cannot be called by TestInvokeMethod',
    remedy:
      'specify a call that may be made: --probe "GET /health"; or, from a machine that reaches the backend, apigw-cert backend verify',
  },
  CanaryBackends: {
    meaning:
      'the stage has a canary: these requests present the same certificate, perhaps to other backends, which have to trust it too',
    remedy: 'name their trust stores in a rotation as well',
  },
  CertificateWarning: {
    meaning: 'the certificate is in its renewal window, the last third of its life',
    remedy: 'apigw-cert rotate --stage API/STAGE --trust KIND:FILE',
  },
  CertificateExpired: {
    meaning: 'the certificate has expired, and a backend that checks refuses it',
    remedy: 'apigw-cert rotate --stage API/STAGE --trust KIND:FILE --force',
  },
  StageCertificateMissing: {
    meaning: 'the stage names a certificate that the account does not have',
    remedy: 'attach one that exists: apigw-cert attach ID --stage API/STAGE',
  },
  CertificateNotYetValid: {
    meaning: 'the certificate is not valid yet',
    remedy: 'check the clock of this machine',
  },
  AcmCertificateNotWatched: {
    meaning: 'the stage presents a certificate of ACM, whose end is not looked at here',
    remedy: 'ask ACM: aws acm describe-certificate --certificate-arn ARN',
  },
  CertificatesDiffer: {
    meaning: 'two stages present different certificates to this backend, which has to accept both',
    remedy:
      'keep both in its trust store; to have one alone, move the other stage: apigw-cert attach ID --stage API/STAGE',
  },
  EndDatesDiffer: {
    meaning: 'API Gateway tells another end than the certificate itself, which is the first date here',
    remedy: 'go by the certificate: backends do',
  },
  ManagedByCloudFormation: {
    meaning:
      'this CloudFormation stack manages the stage: its next update sets the certificate of the template again, also after a rotation',
    remedy: 'take ClientCertificateId out of the template, then rotate with --allow-drift',
  },
  NeverPresented: {
    meaning: 'the stage has a certificate, but no https integration that would present it',
    remedy: 'give the integrations an https address, or take the certificate away: apigw-cert detach',
  },
  StageWithoutCertificate: {
    meaning: 'the stage calls https backends without a client certificate',
    remedy: 'apigw-cert generate, then apigw-cert attach ID --stage API/STAGE',
  },
  OtherNotTried: {
    meaning:
      'the account has no unused certificate to try as a stranger: only the call without one proves that the backend checks',
    remedy: 'from a machine that reaches the backend, apigw-cert backend verify tries an impostor',
  },
  PermissionMissing: {
    meaning: 'this could not be looked at',
    remedy: 'allow it, and run doctor again',
  },
  PlainHttpIntegration: {
    meaning: 'this integration calls without TLS, so it never presents the certificate',
    remedy: 'give it an https address',
  },
  QuotaExhausted: {
    meaning: 'the account holds as many client certificates as it may by default: a rotation needs one more',
    remedy: 'delete unused ones: apigw-cert list --usage, apigw-cert delete; or have the quota raised',
  },
  QuotaNearlyUsed: {
    meaning: 'the account holds nearly as many client certificates as it may by default',
    remedy: 'delete unused ones: apigw-cert list --usage, apigw-cert delete',
  },
  StageVariableUnset: {
    meaning: 'this stage variable is not set, so the address of the backend is not whole',
    remedy:
      'set it: aws apigateway update-stage --rest-api-id API --stage-name STAGE --patch-operations op=replace,path=/variables/NAME,value=VALUE',
  },
  VerificationSkipped: {
    meaning:
      'insecureSkipVerification is on: API Gateway takes nearly any certificate of the backend for good',
    remedy:
      'give the backend a certificate of a public authority and switch it off; apigw-cert backend verify judges it',
  },
};

/** The remedy of a finding, for the stage that was looked at. */
function doctorRemedy(
  { code, subject }: DoctorFinding,
  { stage, clientCertificateId }: DoctorReport,
): string {
  const { remedy } = DOCTOR_PROSE[code];
  const id = clientCertificateId ?? undefined;
  const [restApiId = '', stageName = ''] = stage.split('/');
  switch (code) {
    case 'AcmCertificateNotWatched':
      return filledIn(remedy, { ARN: id });
    case 'CertificatesDiffer':
      // The other stage of the same API is the last word.
      return filledIn(remedy, {
        ID: id,
        'API/STAGE': `${restApiId}/${/ by (\S+)$/.exec(subject)?.[1] ?? 'STAGE'}`,
      });
    case 'StageVariableUnset':
      return filledIn(remedy, { API: restApiId, STAGE: stageName, NAME: /^\w+/.exec(subject)?.[0] });
    default:
      return filledIn(remedy, { 'API/STAGE': stage });
  }
}

export function doctorMessage({ code, subject }: DoctorFinding): string {
  const { meaning } = DOCTOR_PROSE[code];
  return subject === '' ? meaning : `${printable(subject)}: ${meaning}`;
}

function answers(probes: readonly DoctorProbe[] | undefined): string {
  if (probes === undefined || probes.length === 0) return 'not tried';
  const words = { accepted: 'answers', refused: 'refuses with', unknown: 'fails with' };
  return listText(
    probes.map(({ backend, outcome, status }) => printable(`${backend} ${words[outcome]} ${status}`)),
  );
}

const ENDPOINT_TYPES: Readonly<Record<string, string>> = {
  EDGE: 'edge-optimized (calls come through CloudFront; the backend is called by API Gateway all the same)',
  PRIVATE: 'private',
  REGIONAL: 'Regional',
};

const endpointText = (type: string): string => ENDPOINT_TYPES[type] ?? printable(type);

/** What was tried and seen, then each finding with its remedy, worst first. */
export function doctorText(report: DoctorReport, style: ChalkInstance): string {
  const { probes, clientCertificateId, otherCertificateId, findings } = report;
  return [
    facts([
      [
        'stage',
        style.bold(printable(`${report.apiName}/${report.stage.split('/')[1] ?? ''} (${report.stage})`)),
      ],
      ...(report.endpointTypes.length === 0
        ? []
        : [['endpoint type', report.endpointTypes.map(endpointText).join(', ')] as const]),
      ['certificate', printable(clientCertificateId ?? 'none')],
      ['with it', answers(probes.current)],
      ['without any', answers(probes.without)],
      [`with another${otherCertificateId === null ? '' : ` (${otherCertificateId})`}`, answers(probes.other)],
    ]),
    '',
    ...findings.map(
      (finding) =>
        `${severityText(DOCTOR_CODES[finding.code], style)}: ${doctorMessage(finding)} [${finding.code}]\n${style.dim('  fix:')} ${printable(doctorRemedy(finding, report))}`,
    ),
    countText(findings.map(({ code }) => DOCTOR_CODES[code])),
  ].join('\n');
}
