/** What has to hold before a rotation from or to a certificate of ACM changes anything. */
import { acmTrust, type NamedBy } from '../../control-plane/acm-authority.js';
import type { AcmCertificate } from '../../control-plane/acm-certificate.js';
import { isAcmVersion } from '../../control-plane/acm-version.js';
import { unusableBecause } from '../../control-plane/acm-faults.js';
import type { Certificate } from '../../control-plane/certificate.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { AppError } from '../../platform/errors.js';
import { verbOf } from '../../platform/list-text.js';
import { stageText } from '../rules/unit.js';
import { acmCertificateOf } from './acm.js';
import { TO_IMPORT } from './identity.js';
import { meansOf, notProvable } from './means.js';
import { account, acmReading, storesOf, warnOnce, type Run } from './run.js';
import { lookAtTrustedElsewhere } from './look.js';

type OfAcm = Certificate & { acm: AcmCertificate };

const isOfAcm = (certificate: Certificate | undefined): certificate is OfAcm =>
  certificate?.acm !== undefined;

/** The certificate that the stages are to present in the end, where it exists already. */
function comingOf(run: Run): Certificate | undefined {
  const { request, certificates } = run;
  const named = certificates.find(({ clientCertificateId }) => clientCertificateId === request.to);
  const { importing } = request;
  return (
    account(run).unit.next ?? named ?? (importing && acmCertificateOf(importing.acm, {}, acmReading(run)))
  );
}

/**
 * Looks at the certificates of ACM that a rotation is about.
 * @param dryRun no call is made that reaches a backend
 * @throws AppError `CertificateUnsuitable`, `TrustStoreUnsuitable`, `BackendNotProvable`
 */
export async function passAcmGates(run: Run, { dryRun }: { dryRun: boolean }): Promise<void> {
  const coming = comingOf(run);
  const { moving } = account(run);
  const isBehind = moving.some((stage) => stage.clientCertificateId !== coming?.clientCertificateId);
  if (isOfAcm(coming) && isBehind) assertUsable(run, coming);
  if (isOfAcm(coming) && isBehind && isAcmVersion(run.oldId)) {
    const { passInPlaceGates } = await import('./in-place-gates.js');
    await passInPlaceGates(run, coming.acm);
  }
  await chooseName(run);
  if (!isOfAcm(coming) || !isBehind) return;
  if (dryRun) warnOfCondition(run, coming);
  else await assertShown(run, coming);
}

/** A dry run makes no test call, so it does not know whether AWS makes any with an ARN. */
function warnOfCondition(run: Run, { clientCertificateId: arn }: OfAcm): void {
  const { identity, probeUrl, settings } = run.request;
  if (identity || probeUrl !== undefined || settings.allowUnproved) return;
  warnOnce(
    run,
    'BackendUnproved',
    `it is not known whether AWS makes test calls with ${nameOf(arn)}; if it does not, the rotation is refused without --cert and --key, or --probe-url`,
  );
}

/** @throws AppError `CertificateUnsuitable` */
function assertUsable(run: Run, { clientCertificateId: arn, acm }: OfAcm): void {
  const sockets = account(run)
    .moving.filter(({ protocolType }) => protocolType !== undefined)
    .map(stageText);
  const reasons = [
    ...(sockets.length > 0
      ? [`${stageIdsText(sockets)}, of a WebSocket API, ${verbOf(sockets, 'present')} no ACM certificates`]
      : []),
    ...unusableBecause(acm, run.deps.now()),
  ];
  if (reasons.length === 0) return;
  const isInAcm = arn !== TO_IMPORT && !isAcmVersion(arn);
  throw new AppError('CertificateUnsuitable', `${nameOf(arn)} cannot be used: ${reasons.join('; ')}`, {
    hint: `nothing was changed; \`apigw-cert inspect ${isInAcm ? arn : 'FILE'}\` says more`,
    details: { clientCertificateId: arn, reasons },
  });
}

/**
 * Something has to show whether the backends accept it: a test call, its key, or the stage itself.
 * @throws AppError `BackendNotProvable`
 */
async function assertShown(run: Run, coming: OfAcm): Promise<void> {
  const { identity, probeUrl, settings } = run.request;
  const { clientCertificateId: arn, trusted } = coming;
  if (identity && identity.fingerprintSha256 !== trusted.fingerprintSha256) {
    throw new AppError('Usage', `the certificate of --cert is not ${arn}`, {
      hint: `specify the certificate that ${arn} contains now, with its chain and its key`,
    });
  }
  if (identity || settings.allowUnproved) return;
  const by = await meansOf(run, [coming]);
  if (by.probes.length === 0 || by.shown.has(arn)) return;
  const backends = [...new Set(by.probes.map(({ backend }) => backend))];
  if (probeUrl !== undefined) {
    if (backends.length === 1) return;
    throw notProvable(
      arn,
      'nothing was changed. Specify the files of the certificate (--cert FILE --key FILE) to present it to each backend from this machine, or use --allow-unproved to continue without a test of the others',
      backends,
    );
  }
  throw notProvable(
    arn,
    "nothing was changed. Specify its files (--cert FILE --key FILE) to present it to the backends from this machine, or the stage's own URL (--probe-url) to test it right after the switch; or use --allow-unproved to continue without a test",
  );
}

const nameOf = (arn: string): string =>
  arn === TO_IMPORT || isAcmVersion(arn) ? 'the certificate of --import' : `the ACM certificate ${arn}`;

const NAMES: readonly NamedBy[] = ['subject', 'san'];

/**
 * Decides by what backends are to tell the certificates of ACM from others of their CAs: the subject, or where a trust store
 * cannot hold that, the subject alternative name. The same for the same certificates and stores, in every run.
 * @throws AppError `CertificateUnsuitable`, `TrustStoreUnsuitable`
 */
export async function chooseName(run: Run): Promise<void> {
  const { next, spares } = account(run).unit;
  // Once it is retired it is no part of the unit any more, and is still to lose its trust.
  const old = run.certificates.find(({ clientCertificateId }) => clientCertificateId === run.oldId);
  const about = [old, next ?? comingOf(run), ...spares].filter(isOfAcm);
  if (about.length === 0) return;
  const stores = await storesOf(run);
  const failures: AppError[] = [];
  for (const namedBy of NAMES) {
    const failure = objectionTo(about, namedBy, run, stores);
    if (failure === undefined) {
      run.namedBy = namedBy;
      const reading = acmReading(run);
      run.certificates = run.certificates.map((one) =>
        one.acm ? acmCertificateOf(one.acm, one.tags, reading) : one,
      );
      return lookAtTrustedElsewhere(run);
    }
    failures.push(failure);
  }
  assertNone(failures);
}

/** Throws what the first way of telling them apart fails by. */
function assertNone([first]: readonly AppError[]): void {
  if (first) throw first;
}

function objectionTo(
  about: readonly OfAcm[],
  namedBy: NamedBy,
  { request }: Run,
  stores: Awaited<ReturnType<typeof storesOf>>,
): AppError | undefined {
  for (const { acm, clientCertificateId: arn, trusted } of about) {
    const { authority, problem } = acmTrust(acm, namedBy, request.roots ?? '');
    if (problem !== undefined) {
      return new AppError(
        'CertificateUnsuitable',
        `what backends trust for ${nameOf(arn)} is not known: ${problem.reason}`,
        {
          hint: `nothing was changed; ${problem.remedy}`,
          details: { clientCertificateId: arn },
        },
      );
    }
    for (const store of stores) {
      const objection = store.objection(authority ?? trusted);
      if (objection === undefined) continue;
      return new AppError(
        'TrustStoreUnsuitable',
        `${store.name} cannot hold the root of ${nameOf(arn)} with its name: ${objection}`,
        {
          hint: 'nothing was changed; docs/acm.md lists the kinds of trust stores that can, and --trust manual leaves it to you',
          details: { trustStore: store.name },
        },
      );
    }
  }
  return undefined;
}
