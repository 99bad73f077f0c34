import { partitionOf } from '../aws/partition.js';
import { badRequest } from './errors.js';
import type { CertificateHolder, StoredCertificate, World } from './model.js';

/**
 * What a stage may name as its certificate: the id of one that exists, or the ARN of an ACM certificate in the Region,
 * which is not looked up.
 * @throws ServiceError 400
 */
export function checkCertificate(world: World, value: string): string {
  const acm = `arn:${partitionOf(world.region)}:acm:${world.region}:`;
  if (!world.certificates.has(value) && !value.startsWith(acm)) {
    throw badRequest('Invalid client certificate identifier specified');
  }
  return value;
}

/** A stage that never had a certificate. */
export const noPresentation = (now: number): CertificateHolder['presentation'] => ({
  certificate: undefined,
  former: undefined,
  changedAt: now,
});

/** Lets the data plane present what the control plane says. */
export function publishCertificate(stage: CertificateHolder, world: World, now: number): void {
  const certificate =
    stage.clientCertificateId === undefined ? undefined : world.certificates.get(stage.clientCertificateId);
  if (certificate?.id === stage.presentation.certificate?.id) return;
  stage.presentation = { certificate, former: stage.presentation.certificate, changedAt: now };
}

/** How often each stage was invoked while a change of its certificate spread. */
const turns = new WeakMap<CertificateHolder, number>();

/** What a stage presents now: while a change spreads, the former certificate and the new one in turns. */
export function presented(
  stage: CertificateHolder,
  now: number,
  propagationDelayMs: number,
): StoredCertificate | undefined {
  const { certificate, former, changedAt } = stage.presentation;
  // A clock that was set back must not make a change spread for ever.
  if (Math.abs(now - changedAt) >= propagationDelayMs) return certificate;
  const turn = (turns.get(stage) ?? 0) + 1;
  turns.set(stage, turn);
  return turn % 2 === 1 ? former : certificate;
}
