/** What backends make of a certificate that ACM renews, and of another one of its root and name. */
import { renewalKeys } from '../../control-plane/acm-authority.js';
import { AppError } from '../../platform/errors.js';
import type { ProofEvidence, ProofResult } from '../rules/proof.js';
import { askUntil, refusalText, RELOADING } from './ask.js';
import {
  asking,
  evidenceOf,
  meansOf,
  notProvable,
  presenting,
  resultOf,
  unproved,
  warnOfUnreached,
  type Means,
} from './means.js';
import type { PresentedIdentity } from './ports.js';
import { rootUnknown, type Renewable } from './renewal-trust.js';
import { stopIfAsked, type Run } from './run.js';
import { presentTo } from './show.js';
import { askStage, stageUrlResults } from './stage-url.js';
import type { ProbeResult } from './test-invoke.js';

/**
 * Whether the backends accept what the stages present, and where its key is at hand another certificate of the same root and
 * name, as the renewed one will be.
 * @throws AppError `RenewalRefused`, `ProofInconclusive`, `BackendNotProvable`
 */
export async function verifyUse(run: Run, certificate: Renewable): Promise<ProofEvidence> {
  const { clientCertificateId: arn } = certificate;
  const by = await meansOf(run, [certificate]);
  warnOfUnreached(run, by);
  const shown = [...(await byTestCalls(run, by, certificate)), ...(await byIdentity(run, by, certificate))];
  const results = [...shown, ...(await byStageUrl(run, certificate))];
  const isAllowed = run.request.settings.allowUnproved;
  const backends = [...new Set(by.probes.map(({ backend }) => backend))];
  if (results.length > 0 && shown.length === 0 && backends.length > 1 && !isAllowed) {
    throw notProvable(
      arn,
      'specify the files of a certificate of the same root and name (--cert FILE --key FILE) to present it to each backend, or use --allow-unproved to continue without a test of the others',
      backends,
    );
  }
  if (results.length > 0) return evidenceOf(by, results);
  if (!isAllowed) {
    throw notProvable(
      arn,
      "specify the stage's own URL (--probe-url), or the files of a certificate of the same root and name (--cert FILE --key FILE); or use --allow-unproved to check the trust stores alone",
    );
  }
  return evidenceOf(by, [], { untested: [arn] });
}

/** By test calls of AWS's, or from this machine where the key at hand is that of the certificate in use. */
async function byTestCalls(run: Run, by: Means, certificate: Renewable): Promise<ProofResult[]> {
  const { clientCertificateId: arn } = certificate;
  if (!by.shown.has(arn)) return [];
  const question = asking(by, certificate, run.request.settings.probes);
  const { results } = await askUntil(run, { ...question, isRefusalFinal: true }, RELOADING);
  assertAccepted(results, arn, `a backend refuses ${arn}, which its stages present`);
  return [resultOf(presenting('current', certificate, 'accepted'), by, results)];
}

/** By another certificate of the same root and name, presented from this machine. */
async function byIdentity(run: Run, by: Means, certificate: Renewable): Promise<ProofResult[]> {
  const { identity, settings } = run.request;
  const { clientCertificateId: arn, trusted } = certificate;
  if (identity === undefined || identity.fingerprintSha256 === trusted.fingerprintSha256) return [];
  assertSameName(run, identity, certificate);
  const results: ProbeResult[] = [];
  for (const probe of by.probes) {
    stopIfAsked(run);
    results.push(await presentTo(identity, probe, settings.probes));
  }
  assertAccepted(
    results,
    arn,
    `a backend refuses the certificate of --cert, which has the root and the name of ${arn}, so it would refuse a renewed one`,
  );
  const result = resultOf({ caller: 'sameName', wanted: 'accepted' }, by, results);
  return by.probes.length === 0 ? [] : [{ ...result, by: 'handshake' }];
}

/** @throws AppError `Usage` for a certificate that does not stand for a renewed one */
function assertSameName(run: Run, { certificate }: PresentedIdentity, current: Renewable): void {
  const { acm, clientCertificateId: arn } = current;
  const roots = [run.request.roots ?? '', acm.chainPem].join('\n');
  const { keys: wanted, problem } = renewalKeys(acm, roots);
  if (problem !== undefined) throw rootUnknown(problem, arn);
  const own = renewalKeys(certificate, roots).keys;
  const isSame =
    wanted.length > 0 && wanted.length === own.length && wanted.every((key) => own.includes(key));
  const isExpired = certificate.trusted.notAfter <= run.deps.now();
  if (isSame && !isExpired) return;
  throw new AppError(
    'Usage',
    isSame
      ? `the certificate of --cert expired at ${certificate.trusted.notAfter.toISOString()}`
      : `the certificate of --cert does not have the root and the names of ${arn}`,
    {
      hint: 'specify a certificate of the same CA with the same subject and subject alternative names, with its chain; or omit --cert and --key',
    },
  );
}

/** By the stage's own URL, which shows what the stage presents. */
async function byStageUrl(run: Run, certificate: Renewable): Promise<ProofResult[]> {
  const failure = await askStage(run);
  if (failure !== undefined) throw urlFails(failure, certificate);
  return stageUrlResults(run, 'current', certificate);
}

/** The error for a URL of the stage that does not answer well. */
export const urlFails = (failure: string, { clientCertificateId: arn }: Renewable): AppError =>
  new AppError('RenewalRefused', `${failure} while the stage presents ${arn}`, {
    hint: 'check the logs of the backend',
    details: { clientCertificateId: arn },
  });

function assertAccepted(results: readonly ProbeResult[], arn: string, what: string): void {
  if (results.every(({ accepted }) => accepted)) return;
  throw unproved(
    results,
    arn,
    new AppError('RenewalRefused', `${what}: ${refusalText(results)}`, {
      hint: 'the backend must trust the root of the certificate with its name, and not the certificate itself: see docs/acm.md. `rotate --to generated` replaces it with a certificate that no renewal changes',
      details: { clientCertificateId: arn },
    }),
    'it tests them again',
  );
}
