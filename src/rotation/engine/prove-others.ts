import type { Certificate } from '../../control-plane/certificate.js';
import { listText, verbOf } from '../../platform/list-text.js';
import { AppError } from '../../platform/errors.js';
import type { ProofEvidence, ProofResult } from '../rules/proof.js';
import { askUntil, refusalText } from './ask.js';
import {
  acceptedBy,
  asking,
  evidenceOf,
  meansOf,
  names,
  presenting,
  refusing,
  resultOf,
  unlessDeleted,
  unproved,
  warnOfUnclear,
  warnOfUnreached,
  warnOnce,
} from './means.js';
import { account, type Run } from './run.js';

/**
 * Proves before stages go back that their backends accept the old certificate.
 * @throws AppError `BackendNotProvable`, `ProofInconclusive`, and `UndoImpossible` when one refuses
 */
export async function proveBack(run: Run, old: Certificate): Promise<ProofEvidence> {
  const { settle, probes: times, allowUnproved } = run.request.settings;
  const { clientCertificateId: id } = old;
  const by = await meansOf(run);
  if (by.probes.length === 0 && !allowUnproved) {
    throw new AppError(
      'BackendNotProvable',
      `no call reaches the backends, so it cannot be verified that they accept ${id}; no stage was switched back`,
      {
        hint: "specify a safe call: --probe 'GET /health'; or use --allow-unproved to roll back without this test",
      },
    );
  }
  warnOfUnreached(run, by);
  const { next } = account(run).unit;
  const { asWanted, results } = await askUntil(
    run,
    { ...asking(by, old, times), ...(next ? { control: next.clientCertificateId } : {}) },
    settle,
  );
  if (asWanted) return evidenceOf(by, acceptedBy(by, presenting('old', old, 'accepted'), results));
  throw unproved(
    results,
    id,
    new AppError(
      'UndoImpossible',
      `the backend refuses the old certificate ${id}, so no stage was switched back: ${refusalText(results)}`,
      {
        hint: 'make the backend accept it and run again with --abort, or complete the rotation without --abort',
      },
    ),
  );
}

/**
 * Proves after the trust in certificates has ended that every backend accepts the new one and refuses, each of them, those
 * that still exist and a caller without a certificate. AWS makes no call with a certificate that is deleted.
 *
 * @param ended the certificates whose trust has ended
 * @throws AppError `NewCertificateRefused`, `ProofInconclusive`
 */
export async function proveEnd(
  run: Run,
  next: Certificate,
  ended: readonly { clientCertificateId: string; exists: boolean }[],
): Promise<ProofEvidence> {
  const { settle, probes: times } = run.request.settings;
  const by = await meansOf(run);
  const gone = ended.filter(({ exists }) => !exists).map(({ clientCertificateId }) => clientCertificateId);
  if (by.probes.length === 0) return evidenceOf(by, [], { gone });
  const accepted = await askUntil(run, asking(by, next, times), settle);
  if (!accepted.asWanted) {
    throw unproved(
      accepted.results,
      next.clientCertificateId,
      new AppError(
        'NewCertificateRefused',
        `since the old certificate was removed, the backend refuses the new one: ${refusalText(accepted.results)}`,
        { hint: 'check the trust stores and the logs of the backend' },
      ),
    );
  }
  const question = refusing(by, next);
  const without = await askUntil(run, question, 0);
  warnOfUnclear(run, without.results, 'a caller without a certificate');
  const open = names(without.results, 'accepted');
  if (open.length > 0) {
    warnOnce(
      run,
      'BackendDoesNotCheck',
      `${listText(open)} ${verbOf(open, 'accept')} a caller without a certificate`,
    );
  }
  const refused: ProofResult[] = [];
  for (const one of ended.filter(({ exists }) => exists)) {
    const { clientCertificateId: id } = one;
    const answers = await unlessDeleted(() => askUntil(run, { ...question, certificateId: id }, settle));
    if (!answers) {
      gone.push(id);
      continue;
    }
    refused.push(resultOf(presenting('old', one, 'refused'), by, answers.results));
    const accepting = names(answers.results, 'accepted').filter((backend) => !open.includes(backend));
    if (accepting.length > 0) {
      warnOnce(
        run,
        'OldCertificateStillAccepted',
        `${listText(accepting)} still ${verbOf(accepting, 'accept')} the old certificate ${id}, which has been removed from every trust store of this rotation`,
      );
    }
    warnOfUnclear(run, answers.results, `the old certificate ${id}`);
  }
  return evidenceOf(
    by,
    [
      ...acceptedBy(by, presenting('new', next, 'accepted'), accepted.results),
      resultOf({ caller: 'none', wanted: 'refused' }, by, without.results),
      ...refused,
    ],
    { gone },
  );
}
