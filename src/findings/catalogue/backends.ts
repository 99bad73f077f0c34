import { about, type Subject } from '../entry.js';

/** About a stage's backends, and the ways to them. */
export const BACKEND_FINDINGS = {
  BackendAdmitsOther: about(
    'critical',
    'the backend accepts a certificate that this stage does not present: it accepts any API Gateway certificate, or this one has already been added to its trust store',
    'compare whole certificates: apigw-cert backend config SERVER prints how',
  ),
  BackendAdmitsWithout: about(
    'critical',
    'the backend accepts a caller without a certificate: anyone who reaches it can call it',
    'configure it to require the certificate: apigw-cert backend config SERVER prints how',
  ),
  BackendAnswersNobody: about(
    'critical',
    'the call fails with the stage’s certificate, and the answers do not show that the certificate is the cause',
    'check that the backend is running, and that the address of the integration reaches it; if it refuses by closing the handshake, it may not trust the certificate: apigw-cert backend show',
  ),
  BackendCertificateNotAccepted: about(
    'critical',
    "API Gateway closes the handshake because it does not accept the backend's own server certificate or its name; the client certificate is not the cause",
    'run apigw-cert backend verify URL on a machine that reaches the backend: it shows what is wrong',
  ),
  BackendRefusesCurrent: about(
    'critical',
    'a call with the stage’s certificate fails',
    'if the backend does not trust it, add it: apigw-cert backend add; if the call itself is wrong, specify another: --probe "GET /health"',
  ),
  BackendUnproved: about(
    'warning',
    'this backend was not called, because no safe GET request reaches it. A request is safe if it is GET or HEAD without parameters and so is its integration; TestInvokeMethod cannot call WebSocket APIs',
    'specify a call that may be made: --probe "GET /health"; or run apigw-cert backend verify on a machine that reaches the backend',
  ),
  BehindLoadBalancer: about(
    'info',
    'this is the name of a load balancer. With an HTTPS or TLS listener it terminates TLS: its own trust store decides about the client certificate, and the backend never sees it',
    "use a Network Load Balancer that passes TCP through to a backend that checks; with a VPC link, the URI's host must be a name in the backend's certificate",
  ),
  BehindVpcLink: about(
    'info',
    "this integration goes through a VPC link: API Gateway presents the certificate to whatever terminates TLS behind it, and uses the URI's host as the server name",
    'check that the load balancer of the link passes TCP through, and that the host is a name in the backend’s certificate',
  ),
  CanaryBackends: about(
    'info',
    'the stage has a canary: its requests present the same certificate, possibly to other backends, which must trust it too',
    'specify their trust stores in a rotation as well',
  ),
  CertificatesDiffer: about<Subject & { own: string; otherStage: string }>(
    'warning',
    'two stages present different certificates to this backend, which must accept both',
    ({ own, otherStage }) =>
      `keep both in its trust store; to use only one, switch the other stage: apigw-cert attach ${own} --stage ${otherStage}`,
  ),
  OtherNotTried: about(
    'info',
    'the account has no unused certificate to test the backend with: only the call without one shows that the backend checks',
    'run apigw-cert backend verify on a machine that reaches the backend: it tests an impostor’s certificate',
  ),
  PlainHttpIntegration: about(
    'warning',
    'this integration does not use TLS, so it never presents the certificate',
    'give it an https address',
  ),
  VerificationSkipped: about(
    'warning',
    'insecureSkipVerification is on, so API Gateway accepts almost any backend certificate',
    'give the backend a certificate of a public CA and switch it off; apigw-cert backend verify checks the certificate',
  ),
};
