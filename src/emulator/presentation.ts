import type { Clock } from './clock.js';
import { badRequest } from './errors.js';
import { stageRefusal } from './acm/stage-rules.js';
import type { CertificateHolder, PresentedCertificate, World } from './model.js';
import { partitionOf } from '../aws/partition.js';

/** Whether a text is the ARN of a certificate of ACM, of whatever account and Region. */
const isAcmArn = (value: string): boolean => /^arn:[^:]+:acm:/.test(value);

/**
 * What a stage of any API may name as its certificate: the id of one that exists.
 * @throws ServiceError 400
 */
export function checkCertificate(world: World, value: string): string {
  if (!world.certificates.has(value)) throw badRequest('Invalid client certificate identifier specified');
  return value;
}

/**
 * What a stage of a REST API may name: also the ARN of a certificate of ACM that API Gateway accepts.
 * @throws ServiceError 400
 */
export function checkRestCertificate(world: World, value: string, clock: Pick<Clock, 'now'>): string {
  if (!isAcmArn(value)) return checkCertificate(world, value);
  const own = `arn:${partitionOf(world.region)}:acm:${world.region}:${world.account}:certificate/`;
  const refusal = value.startsWith(own)
    ? stageRefusal(world.acmCertificates.get(value), clock.now())
    : 'it is not of this account and Region';
  if (refusal !== undefined) throw badRequest(`Invalid ACM certificate ARN specified: ${refusal}`);
  return value;
}

/** A stage that never had a certificate. */
export const noPresentation = (now: number): CertificateHolder['presentation'] => ({
  certificate: undefined,
  former: undefined,
  changedAt: now,
});

/** What a stage presents by an id or an ARN: of ACM, the certificate with its chain. */
export function presentable(world: World, id: string | undefined): PresentedCertificate | undefined {
  if (id === undefined) return undefined;
  const issued = world.acmCertificates.get(id)?.issued;
  return issued === undefined
    ? world.certificates.get(id)
    : { id, pem: `${issued.pem}${issued.chainPem}`, privateKeyPem: issued.privateKeyPem };
}

/** Lets the data plane present what the control plane says. */
export function publishCertificate(stage: CertificateHolder, world: World, now: number): void {
  const certificate = presentable(world, stage.clientCertificateId);
  if (certificate?.pem === stage.presentation.certificate?.pem) return;
  stage.presentation = { certificate, former: stage.presentation.certificate, changedAt: now };
}

/** How often each stage was invoked while a change of its certificate spread. */
const turns = new WeakMap<CertificateHolder, number>();

/** What a stage presents now: while a change spreads, the former certificate and the new one in turns. */
export function presented(
  stage: CertificateHolder,
  now: number,
  propagationDelayMs: number,
): PresentedCertificate | undefined {
  const { certificate, former, changedAt } = stage.presentation;
  // A clock that was set back must not make a change spread for ever.
  if (Math.abs(now - changedAt) >= propagationDelayMs) return certificate;
  const turn = (turns.get(stage) ?? 0) + 1;
  turns.set(stage, turn);
  return turn % 2 === 1 ? former : certificate;
}
