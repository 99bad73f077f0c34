import { listText } from '../core/stages-text.js';
import type { ChalkInstance } from 'chalk';
import type { DoctorReport } from '../app/doctor.js';
import { DOCTOR_CODES, type DoctorCode, type DoctorFinding, type DoctorProbe } from '../core/doctor.js';
import { filledIn } from '../core/placeholders.js';
import { stageText } from '../core/rotation/unit.js';
import { printable } from '../core/printable.js';
import { countText, severityText } from './severity-text.js';
import { facts } from './facts.js';

/** What a finding means, and what to do about it. */
export const DOCTOR_PROSE: Readonly<Record<DoctorCode, { meaning: string; remedy: string }>> = {
  AnyWithIntegrationMethod: {
    meaning:
      'every call of this ANY method, even a GET, reaches the backend with the method of the integration',
    remedy:
      'no safe call can be made with it: specify with --probe a call that changes nothing in the backend, or set the integration method to ANY',
  },
  BackendAdmitsOther: {
    meaning:
      'the backend accepts a certificate that this stage does not present: it accepts any API Gateway certificate, or this one has already been added to its trust store',
    remedy: 'compare whole certificates: apigw-cert backend config SERVER prints how',
  },
  BackendAdmitsWithout: {
    meaning: 'the backend accepts a caller without a certificate: anyone who reaches it can call it',
    remedy: 'configure it to require the certificate: apigw-cert backend config SERVER prints how',
  },
  BackendAnswersNobody: {
    meaning:
      'the call fails with the stage’s certificate, and the answers do not show that the certificate is the cause',
    remedy:
      'check that the backend is running, and that the address of the integration reaches it; if it refuses by closing the handshake, it may not trust the certificate: apigw-cert backend show',
  },
  BackendCertificateNotAccepted: {
    meaning:
      "API Gateway closes the handshake because it does not accept the backend's own server certificate or its name; the client certificate is not the cause",
    remedy: 'run apigw-cert backend verify URL on a machine that reaches the backend: it shows what is wrong',
  },
  BackendRefusesCurrent: {
    meaning: 'a call with the stage’s certificate fails',
    remedy:
      'if the backend does not trust it, add it: apigw-cert backend add; if the call itself is wrong, specify another: --probe "GET /health"',
  },
  BehindLoadBalancer: {
    meaning:
      'this is the name of a load balancer. With an HTTPS or TLS listener it terminates TLS: its own trust store decides about the client certificate, and the backend never sees it',
    remedy:
      "use a Network Load Balancer that passes TCP through to a backend that checks; with a VPC link, the URI's host must be a name in the backend's certificate",
  },
  BehindVpcLink: {
    meaning:
      "this integration goes through a VPC link: API Gateway presents the certificate to whatever terminates TLS behind it, and uses the URI's host as the server name",
    remedy:
      'check that the load balancer of the link passes TCP through, and that the host is a name in the backend’s certificate',
  },
  BackendUnproved: {
    meaning:
      'this backend was not called, because no safe GET request reaches it. A request is safe if it is GET or HEAD without parameters and so is its integration; TestInvokeMethod cannot call WebSocket APIs',
    remedy:
      'specify a call that may be made: --probe "GET /health"; or run apigw-cert backend verify on a machine that reaches the backend',
  },
  CanaryBackends: {
    meaning:
      'the stage has a canary: its requests present the same certificate, possibly to other backends, which must trust it too',
    remedy: 'specify their trust stores in a rotation as well',
  },
  CertificateWarning: {
    meaning: 'the certificate is in its renewal window, the last third of its lifetime',
    remedy: 'apigw-cert rotate --stage API/STAGE --trust KIND:FILE',
  },
  CertificateExpired: {
    meaning: 'the certificate has expired, and a backend that checks expiry refuses it',
    remedy: 'apigw-cert rotate --stage API/STAGE --trust KIND:FILE --force',
  },
  StageCertificateMissing: {
    meaning: 'the stage refers to a certificate that does not exist',
    remedy: 'attach one that exists: apigw-cert attach ID --stage API/STAGE',
  },
  CertificateNotYetValid: {
    meaning: 'the certificate is not valid yet',
    remedy: 'check the clock of this machine',
  },
  AcmCertificateNotWatched: {
    meaning: 'the stage presents an ACM certificate, whose expiry is not checked here',
    remedy: 'ask ACM: aws acm describe-certificate --certificate-arn ARN',
  },
  CertificatesDiffer: {
    meaning: 'two stages present different certificates to this backend, which must accept both',
    remedy:
      'keep both in its trust store; to use only one, switch the other stage: apigw-cert attach ID --stage API/STAGE',
  },
  EndDatesDiffer: {
    meaning:
      'API Gateway reports a different expiry date than the certificate, which has the first date here',
    remedy: 'rely on the certificate, as backends do',
  },
  ManagedByCloudFormation: {
    meaning:
      'this CloudFormation stack manages the stage: its next update sets the certificate of the template again, also after a rotation',
    remedy: 'remove ClientCertificateId from the template, then rotate with --allow-drift',
  },
  NeverPresented: {
    meaning: 'the stage has a certificate, but no https integration that would present it',
    remedy: 'give the integrations an https address, or remove the certificate: apigw-cert detach',
  },
  StageWithoutCertificate: {
    meaning: 'the stage calls https backends without a client certificate',
    remedy: 'apigw-cert generate, then apigw-cert attach ID --stage API/STAGE',
  },
  OtherNotTried: {
    meaning:
      'the account has no unused certificate to test the backend with: only the call without one shows that the backend checks',
    remedy:
      'run apigw-cert backend verify on a machine that reaches the backend: it tests an impostor’s certificate',
  },
  PermissionMissing: {
    meaning: 'this could not be read',
    remedy: 'grant the permission, then run doctor again',
  },
  PlainHttpIntegration: {
    meaning: 'this integration does not use TLS, so it never presents the certificate',
    remedy: 'give it an https address',
  },
  QuotaExhausted: {
    meaning: 'the account has reached the default client certificate quota, and a rotation needs one more',
    remedy: 'delete unused ones: apigw-cert list --usage, apigw-cert delete; or request a higher quota',
  },
  QuotaNearlyUsed: {
    meaning: 'the account has nearly reached the default client certificate quota',
    remedy: 'delete unused ones: apigw-cert list --usage, apigw-cert delete',
  },
  StageVariableUnset: {
    meaning: 'this stage variable is not set, so the address of the backend is incomplete',
    remedy:
      'set it: aws apigateway update-stage --rest-api-id API --stage-name STAGE --patch-operations op=replace,path=/variables/NAME,value=VALUE',
  },
  VerificationSkipped: {
    meaning: 'insecureSkipVerification is on, so API Gateway accepts almost any backend certificate',
    remedy:
      'give the backend a certificate of a public CA and switch it off; apigw-cert backend verify checks the certificate',
  },
};

/** The remedy of a finding, for the stage that was looked at. */
function doctorRemedy(
  { code, subject }: DoctorFinding,
  { stage, clientCertificateId }: DoctorReport,
): string {
  const { remedy } = DOCTOR_PROSE[code];
  const { restApiId, stageName } = stage;
  switch (code) {
    case 'AcmCertificateNotWatched':
      return filledIn(remedy, { ARN: clientCertificateId });
    case 'CertificatesDiffer':
      // The other stage of the same API is the last word.
      return filledIn(remedy, {
        ID: clientCertificateId,
        'API/STAGE': `${restApiId}/${/ by (\S+)$/.exec(subject)?.[1] ?? 'STAGE'}`,
      });
    case 'StageVariableUnset':
      return filledIn(remedy, { API: restApiId, STAGE: stageName, NAME: /^\w+/.exec(subject)?.[0] });
    default:
      return filledIn(remedy, { 'API/STAGE': stageText(stage) });
  }
}

export function doctorMessage({ code, subject }: DoctorFinding): string {
  const { meaning } = DOCTOR_PROSE[code];
  return subject === '' ? meaning : `${printable(subject)}: ${meaning}`;
}

function answers(probes: readonly DoctorProbe[] | undefined): string {
  if (probes === undefined || probes.length === 0) return 'not tested';
  const words = { accepted: 'answers', refused: 'refuses with', unknown: 'fails with' };
  return listText(
    probes.map(({ backend, outcome, status }) => printable(`${backend} ${words[outcome]} ${status}`)),
  );
}

const ENDPOINT_TYPES: Readonly<Record<string, string>> = {
  EDGE: 'edge-optimized (calls come through CloudFront; API Gateway still calls the backend)',
  PRIVATE: 'private',
  REGIONAL: 'Regional',
};

const endpointText = (type: string): string => ENDPOINT_TYPES[type] ?? printable(type);

/** What was tried and seen, then each finding with its remedy, worst first. */
export function doctorText(report: DoctorReport, style: ChalkInstance): string {
  const { stage, probes, clientCertificateId, otherCertificateId, findings } = report;
  return [
    facts([
      ['stage', style.bold(printable(`${stage.apiName}/${stage.stageName} (${stageText(stage)})`))],
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
    ]),
    '',
    ...findings.map(
      (finding) =>
        `${severityText(DOCTOR_CODES[finding.code], style)}: ${doctorMessage(finding)} [${finding.code}]\n${style.dim('  fix:')} ${printable(doctorRemedy(finding, report))}`,
    ),
    countText(findings.map(({ code }) => DOCTOR_CODES[code])),
  ].join('\n');
}
