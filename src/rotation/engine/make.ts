import { certificateOf } from '../../control-plane/read-certificate.js';
import type { Certificate } from '../../control-plane/certificate.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { verbOf } from '../../platform/list-text.js';
import type { ClientCertificate } from '../../control-plane/api-gateway.js';
import { AppError, UNKNOWN_OUTCOME } from '../../platform/errors.js';
import {
  inheritedTags,
  keepOldMark,
  markedDescription,
  markTags,
  plainDescription,
  type Mark,
} from '../../control-plane/marks.js';
import { openWrites } from '../rules/presentation.js';
import { trustKey } from '../rules/trust-key.js';
import { stageText } from '../rules/unit.js';
import { lookAtCertificates, lookAtStores } from './look.js';
import { findEither } from './acm.js';
import { nameSuccessor, writeMark } from './mark.js';
import { account, acmReading, pause, step, type Run } from './run.js';

/** Between two looks for a certificate whose making was not answered, in milliseconds: doubled up to the last. */
const FIRST_LOOK = 1_000;
const LAST_LOOK = 4_000;
/** How often a certificate is asked for of which AWS says nothing. */
const TRIES = 2;
/** No rotation leaves more certificates behind, whatever becomes of the answers. */
const MOST_MADE = 2;
/** What one resource of AWS may have. */
const MOST_TAGS = 50;

/** Makes the new certificate, with its mark in the same call. */
export async function makeNext(run: Run): Promise<void> {
  const { unit } = account(run);
  await untilSettled(run);
  const found = madeBefore(run);
  if (found) {
    take(run, found);
    return;
  }
  take(run, await provide(run, undefined, () => generate(run, unit.old, newMark(run, unit.old))));
  run.generatedId = run.made?.certificate.clientCertificateId;
}

/** Marks the certificate that `--to` names as the new one. */
export async function adoptNext(run: Run, { clientCertificateId: id }: Certificate): Promise<void> {
  const { old } = account(run).unit;
  const certificate = assertAdoptable(run, id);
  const stores = await lookAtStores(run);
  // After the stores: whatever of them another machine's rotation has trusted it in, its mark was there before.
  const { mark: found } = (await findEither(acmReading(run), id)) ?? certificate;
  const trustedBefore =
    found?.adopted === true && found.replaces === run.oldId
      ? found.trustedBefore === true
      : stores.some(({ trusts }) => trusts.includes(trustKey(certificate)));
  const mark: Mark = { ...newMark(run, old), adopted: true, ...(trustedBefore ? { trustedBefore } : {}) };
  const adopt = async (): Promise<Certificate> => {
    if (certificate.acm && old) await nameSuccessor(run, old, id);
    return writeMark(run, certificate, mark);
  };
  take(run, await provide(run, id, adopt));
}

function newMark(run: Run, old: Certificate | undefined): Mark {
  const { keepOld } = run.request.settings;
  return {
    rotationId: run.rotationId,
    replaces: run.oldId,
    ...(run.onlyTarget ? { onlyStage: stageText(run.target) } : {}),
    ...(keepOld === undefined || keepOld === 0 ? {} : { keepOld: keepOldMark(keepOld) }),
    ...(old ? { replacesSha256: old.trusted.fingerprintSha256 } : {}),
  };
}

function provide(
  run: Run,
  subject: string | undefined,
  make: () => Promise<Certificate>,
): Promise<Certificate> {
  return step(run, subject === undefined ? 'generate' : 'adopt', subject, async () => {
    const value = await make();
    const { clientCertificateId, trusted } = value;
    return {
      value,
      evidence: {
        clientCertificateId,
        fingerprintSha256: trusted.fingerprintSha256,
        notAfter: trusted.notAfter.toISOString(),
      },
    };
  });
}

function take(run: Run, certificate: Certificate): void {
  const { clientCertificateId: id } = certificate;
  run.made = { certificate, at: run.deps.now(), isSeen: false };
  run.certificates = [
    ...run.certificates.filter(({ clientCertificateId }) => clientCertificateId !== id),
    certificate,
  ];
}

/** What this rotation has made already, as far as the account shows it. */
const madeBefore = ({ certificates, rotationId }: Run): Certificate | undefined =>
  certificates.find(({ mark }) => mark?.rotationId === rotationId && mark.adopted !== true);

/** Where earlier runs may have made as many as there may be, their calls have to end before another one. */
async function untilSettled(run: Run): Promise<void> {
  const { records, request, deps, since } = run;
  const tried = records.filter((entry) => entry.type === 'intent' && entry.step === 'generate');
  const isOpen = openWrites(records).some((write) => write.step === 'generate');
  if (!isOpen || tried.length < MOST_MADE) return;
  const last = Math.min(Date.parse(tried.at(-1)?.at ?? ''), since.getTime());
  await lookForMade(run, last + request.settings.inFlight - deps.now().getTime());
}

/** Looks for a certificate of this rotation for so long, in milliseconds. */
async function lookForMade(run: Run, wait: number): Promise<Certificate | undefined> {
  const deadline = run.deps.now().getTime() + wait;
  for (
    let pauseFor = FIRST_LOOK;
    run.deps.now().getTime() < deadline;
    pauseFor = Math.min(2 * pauseFor, LAST_LOOK)
  ) {
    await pause(run, Math.min(pauseFor, deadline - run.deps.now().getTime()));
    await lookAtCertificates(run);
    const made = madeBefore(run);
    if (made) return made;
  }
  return undefined;
}

/**
 * Makes a certificate with its mark in the same call. The call has no idempotency token: when its answer is lost, the
 * mark tells whether it took effect, and only when it cannot any more is it sent again.
 */
async function generate(run: Run, old: Certificate | undefined, mark: Mark): Promise<Certificate> {
  for (let tries = 1; ; tries++) {
    try {
      run.wroteAt = run.deps.now();
      return certificateOf(await generateMarked(run, old, mark));
    } catch (error) {
      if (!(error instanceof AppError) || !UNKNOWN_OUTCOME.has(error.code)) throw error;
      const made = await lookForMade(run, run.request.settings.inFlight);
      if (made) return made;
      if (tries === TRIES) throw error;
    }
  }
}

/** With tags, or where those are denied with the mark in the description. */
async function generateMarked(
  { deps: { controlPlane } }: Run,
  old: Certificate | undefined,
  mark: Mark,
): Promise<ClientCertificate> {
  const description = plainDescription(old?.description ?? '');
  const tags = { ...inheritedTags(old?.tags ?? {}), ...markTags(mark) };
  try {
    return await controlPlane.generateClientCertificate({
      ...(description === '' ? {} : { description }),
      tags,
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const marked = markedDescription(description, mark);
    if (error.code === 'AccessDenied') return controlPlane.generateClientCertificate({ description: marked });
    // The user's own tags leave no room for ours.
    if (Object.keys(tags).length <= MOST_TAGS) throw error;
    return controlPlane.generateClientCertificate({
      description: marked,
      tags: inheritedTags(old?.tags ?? {}),
    });
  }
}

/**
 * Whether `--to` names a certificate that can be rotated to.
 * @throws AppError `CertificateNotFound`, `CertificateInUse`, `Usage`
 */
export function assertAdoptable(run: Run, id: string): Certificate {
  const certificate = run.certificates.find(({ clientCertificateId }) => clientCertificateId === id);
  if (!certificate) {
    throw new AppError(
      'CertificateNotFound',
      `there is no client certificate ${id} in this account and Region`,
      {
        hint: 'run `apigw-cert list` to see the available certificates',
      },
    );
  }
  if (id === run.oldId) {
    throw new AppError('Usage', `the stage already presents ${id}`, {
      hint: 'specify another certificate with --to',
    });
  }
  if (certificate.trusted.notAfter <= run.deps.now()) {
    throw new AppError('Usage', `the certificate ${id} has expired`, {
      hint: 'omit --to to rotate to a new one',
    });
  }
  const users = run.stages.filter(({ clientCertificateId }) => clientCertificateId === id).map(stageText);
  if (users.length > 0) {
    throw new AppError(
      'CertificateInUse',
      `${stageIdsText(users)} already ${verbOf(users, 'present')} ${id}, so an abort could not determine which stages were switched`,
      { hint: `to share it, add it to the backend's trust store and use \`apigw-cert attach ${id}\`` },
    );
  }
  return certificate;
}
