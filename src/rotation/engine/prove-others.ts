import type { Certificate } from '../../control-plane/certificate.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { listText, verbOf } from '../../platform/list-text.js';
import { AppError } from '../../platform/errors.js';
import type { ProofEvidence, ProofResult } from '../rules/proof.js';
import { askUntil, refusalText } from './ask.js';
import { askStage, stageUrlResults } from './stage-url.js';
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
  warnOfUntested,
  type Means,
} from './means.js';
import { account, warnOnce, type Run } from './run.js';

/**
 * Proves before stages go back that their backends accept the old certificate.
 * @throws AppError `BackendNotProvable`, `ProofInconclusive`, and `UndoImpossible` when one refuses
 */
export async function proveBack(run: Run, old: Certificate): Promise<ProofEvidence> {
  const { settle, probes: times, allowUnproved } = run.request.settings;
  const { clientCertificateId: id } = old;
  const { next } = account(run).unit;
  const by = await meansOf(run, [old, next]);
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
  if (by.probes.length > 0 && !by.shown.has(id)) return unshownBack(run, by, old);
  const { asWanted, results } = await askUntil(run, asking(by, old, times, next), settle);
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
 * The way back to a certificate of ACM that no test shows. Where the new one fails in use, anything else is worse; the trust
 * in the old one was never ended.
 * @throws AppError `BackendNotProvable`
 */
function unshownBack(run: Run, by: Means, old: Certificate): ProofEvidence {
  const { clientCertificateId: id } = old;
  if (run.goal !== 'rollBack' && !run.request.settings.allowUnproved) {
    throw new AppError(
      'BackendNotProvable',
      `AWS makes no test calls with the ACM certificate ${id}, and its key is not specified, so it cannot be verified that the backends accept it; no stage was switched back`,
      {
        hint: 'specify --cert and --key of that certificate, or use --allow-unproved to roll back without this test',
      },
    );
  }
  warnOfUntested(run, old);
  return evidenceOf(by, [], { untested: [id] });
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
  const retired = run.certificates.filter(({ clientCertificateId: id }) =>
    ended.some((one) => one.exists && one.clientCertificateId === id),
  );
  const by = await meansOf(run, [next, ...retired]);
  const gone = ended.filter(({ exists }) => !exists).map(({ clientCertificateId }) => clientCertificateId);
  if (by.probes.length === 0) return evidenceOf(by, [], { gone });
  const isShown = by.shown.has(next.clientCertificateId);
  const failure = isShown ? undefined : await askStage(run);
  if (failure !== undefined) {
    throw new AppError(
      'NewCertificateRefused',
      `since the old certificate was removed, the backend refuses the new one: ${failure}`,
      { hint: 'check the trust stores and the logs of the backend' },
    );
  }
  const accepted = isShown ? await askUntil(run, asking(by, next, times), settle) : undefined;
  if (accepted?.asWanted === false) {
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
  const question = refusing(by, [next]);
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
  const untested: string[] = [];
  for (const one of ended.filter(({ exists }) => exists)) {
    const { clientCertificateId: id } = one;
    if (isAcmArn(id) && !by.shown.has(id)) {
      untested.push(id);
      continue;
    }
    const answers = await unlessDeleted(() =>
      askUntil(run, { ...refusing(by, [next], by.shown.get(id)), certificateId: id }, settle),
    );
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
  const newResults = accepted
    ? acceptedBy(by, presenting('new', next, 'accepted'), accepted.results)
    : stageUrlResults(run, 'new', next);
  if (newResults.length === 0) untested.unshift(next.clientCertificateId);
  return evidenceOf(
    by,
    [...newResults, resultOf({ caller: 'none', wanted: 'refused' }, by, without.results), ...refused],
    { gone, untested },
  );
}
