/** `apigw-cert/node`: for https backends behind API Gateway. Built from Node's own modules alone. */
export { trustClientCertificates } from './trust.js';
export type { ClientCertificateTrust, ListedRoot, TrustOptions } from './trust.js';
export type { PresentedCertificate, Refusal, RefusalReason, Verdict } from './check.js';
export type { ServerOptions } from './server.js';
