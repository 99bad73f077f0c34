import { about } from '../entry.js';

/** About a server's configuration. */
export const SERVER_FINDINGS = {
  AdmitsExpired: about(
    'critical',
    'a listed certificate is still accepted after it has expired',
    'have TLS check the dates: in HAProxy, only crt-ignore-err 18; in Caddy, mode require_and_verify',
  ),
  ApiGatewayUnclear: about(
    'warning',
    'API Gateway itself may be refused: it presents no certificate to a server that announces CA names without C=US, L=Seattle, CN=ApiGateway',
    'check which names the running server announces: apigw-cert backend verify URL',
  ),
  CaBundleTrap: about(
    'warning',
    'this CA bundle works with one API Gateway certificate, but OpenSSL accepts only the first of two: the next rotation causes an outage',
    'compare whole certificates instead: apigw-cert backend config SERVER prints how',
  ),
  CaTrustedWithoutName: about(
    'critical',
    'this CA is trusted without a name, so every certificate that it issues is accepted, and not that of API Gateway alone',
    'compare the subject or a subject alternative name as well: apigw-cert backend config SERVER --ca ROOT --subject NAME prints how',
  ),
  CannotTell: about(
    'warning',
    'the configuration alone does not show who is admitted',
    'test the running server: apigw-cert backend verify URL --expect enforced',
  ),
  FirstOfFile: about(
    'critical',
    'Caddy before 2.8 loads only the first certificate of a trusted_ca_cert_file, so the others are refused',
    'use one trusted_ca_cert line per certificate: apigw-cert backend config caddy prints how',
  ),
  NobodyAdmitted: about(
    'warning',
    'no caller is admitted here, not even with a listed certificate',
    'if API Gateway calls this listener, list its certificate: apigw-cert backend config SERVER prints how',
  ),
  Open: about(
    'critical',
    'an unlisted caller is admitted',
    'refuse every caller whose certificate is not listed: apigw-cert backend config SERVER prints how',
  ),
  PinNotExact: about(
    'critical',
    'this never equals the value that the server compares it with, so it admits no caller',
    'HAProxy: 64 lower-case hex digits, the SHA-256 of the DER. Apache: exactly what openssl x509 -in cert.pem prints',
  ),
  PinIgnoresCase: about(
    'critical',
    'nginx compares this certificate without regard to case, so a forged one that differs only in case is accepted; anyone who knows the certificate can make one in seconds',
    'write it as a regular expression, "~^…$": `apigw-cert backend add` with a certificate that the list holds rewrites it',
  ),
  PublicByDesign: about(
    'info',
    'any caller may read this: an ACME client proves control of the domain there (RFC 8555)',
    'nothing to do, as long as it contains only challenges',
  ),
  ReferenceUnreadable: about(
    'warning',
    'this file could not be read',
    'run this command on the machine with the file, as a user who may read it',
  ),
  Sha1Pin: about(
    'warning',
    'certificates are identified by their SHA-1, which is open to collisions',
    'compare whole certificates, or their SHA-256: apigw-cert backend config SERVER prints how',
  ),
  UnverifiedSessionResumed: about(
    'critical',
    'with optional_no_ca, SSL_CLIENT_VERIFY of a resumed TLS 1.2 session is SUCCESS although nothing was verified: a self-made certificate with any name is accepted at the second connection',
    'set SSLSessionTickets off and SSLSessionCacheTimeout 0, and add Require expr "%{SSL_SESSION_RESUMED} == \'Initial\'"',
  ),
};
