import { AppError } from '../../core/errors.js';
import type { RotationCertificate } from '../../core/rotation/unit.js';
import type { ProbeResult } from '../../verify/test-invoke.js';
import { askUntil, probesOf, refusalText } from './prove.js';
import type { Evidence, Run } from './run.js';

/**
 * Proves before stages go back that their backends accept the old certificate.
 * @throws AppError `BackendNotProvable`, and `UndoImpossible` when one refuses
 */
export async function proveBack(run: Run, old: RotationCertificate): Promise<ProbeResult[]> {
  const { settle, probes: times, allowUnproved } = run.request.settings;
  const { clientCertificateId: certificateId } = old;
  const probes = await probesOf(run);
  if (probes.length === 0 && !allowUnproved) {
    throw new AppError(
      'BackendNotProvable',
      `no call reaches the backends, so it cannot be proved that they accept ${certificateId}; the stages stay where they are`,
      {
        hint: "specify a call that may be made: --probe 'GET /health'; or roll back without that proof with --allow-unproved",
      },
    );
  }
  const { asWanted, results } = await askUntil(
    run,
    { probes, certificateId, wanted: 'accepted', times },
    settle,
  );
  if (asWanted) return results;
  throw new AppError(
    'UndoImpossible',
    `the backend refuses the old certificate ${certificateId}, so the stages stay where they are: ${refusalText(results)}`,
    {
      hint: 'make the backend accept it and run again with --abort; without --abort the rotation is finished',
    },
  );
}

/**
 * Proves after the trust in the old certificate has ended that every backend accepts the one in use.
 * @param gone what was deleted: it cannot be presented, and so not be tried, any more
 * @throws AppError `NewCertificateRefused`
 */
export async function proveEnd(
  run: Run,
  next: RotationCertificate,
  gone: readonly { clientCertificateId: string; exists: boolean }[],
): Promise<Evidence> {
  const { settle, probes: times } = run.request.settings;
  const probes = await probesOf(run);
  const { asWanted, results } = await askUntil(
    run,
    { probes, certificateId: next.clientCertificateId, wanted: 'accepted', times },
    settle,
  );
  if (asWanted) return { accepted: results, gone };
  throw new AppError(
    'NewCertificateRefused',
    `since the old certificate was removed the backend refuses the new one: ${refusalText(results)}`,
    { hint: 'look at the trust stores and at what the backend logs' },
  );
}
