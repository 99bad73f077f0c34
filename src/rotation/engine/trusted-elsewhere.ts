/**
 * What else needs the trust that a rotation is to end: several certificates of ACM can be trusted by one root and name, and
 * stages of other accounts and Regions can be in front of the same backends.
 */
import { nameText } from '../../certificates/caller-name.js';
import { isAcmVersion } from '../../control-plane/acm-version.js';
import { callerText } from '../../control-plane/caller.js';
import type { Certificate } from '../../control-plane/certificate.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import type { Mark } from '../../control-plane/marks.js';
import { AppError } from '../../platform/errors.js';
import { listText } from '../../platform/list-text.js';
import { trustKey } from '../rules/trust-key.js';
import { presentedIds, type EndedCertificate } from '../rules/unit.js';
import { findEither, withAcm, type AcmReading } from './acm.js';
import type { RemoteTarget } from './ports.js';
import { account, acmReading, storesOf, warn, warnOnce, type OtherNeed, type Run } from './run.js';

/**
 * What must stay trusted for stages that the rotation does not move.
 * @param ids that other stages of this account and Region present
 * @throws AppError where a certificate of this account and Region cannot be read
 */
export async function needsElsewhere(run: Run, ids: readonly string[]): Promise<OtherNeed[]> {
  const generated = run.certificates.filter(({ acm }) => acm === undefined);
  const here = await needsOf(run, acmReading(run), generated, ids);
  return [...here, ...(await needsOfRemote(run))];
}

/** What targets of other accounts and Regions need that have one of the trust stores. */
async function needsOfRemote(run: Run): Promise<OtherNeed[]> {
  const { remote = [] } = run.deps;
  if (remote.length === 0) return [];
  const stores = await storesOf(run);
  const needs = await Promise.all(
    remote.map(async (target): Promise<OtherNeed[]> => {
      if (!(await target.sharesAny(stores))) return [];
      try {
        const needs = await needsOfTarget(run, target);
        return needs.map(({ what, ...need }) => ({ ...need, what: `${what} (target ${target.name})` }));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return [{ what: `the target ${target.name}, whose stages could not be read (${why})` }];
      }
    }),
  );
  return needs.flat();
}

async function needsOfTarget(run: Run, { look }: RemoteTarget): Promise<OtherNeed[]> {
  const { controlPlane, stages } = await look();
  const [there, here] = await Promise.all([controlPlane.caller(), run.deps.controlPlane.caller()]);
  // Reached otherwise, and the same account and Region: all its stages were looked at.
  if (callerText(there) === callerText(here)) return [];
  return needsOf(run, { ...acmReading(run), controlPlane }, [], [...presentedIds(stages)]);
}

/**
 * What certificates of an account and Region need that stages present: those of ACM, and those that rotations in progress
 * may bring the stages to, forward or back.
 * @param known certificates that API Gateway generated, as far as they are known already
 * @param ids that stages present
 * @throws AppError where one of these cannot be read
 */
async function needsOf(
  run: Run,
  reading: AcmReading,
  known: readonly Certificate[],
  ids: readonly string[],
): Promise<OtherNeed[]> {
  const { request, deps, rotationId } = run;
  const now = deps.now().getTime();
  // A switch back to a retired one may have been sent before, and take effect until then.
  const isOver = (mark: Mark): boolean =>
    mark.rotationId === rotationId || Date.parse(mark.retired ?? '') + request.settings.inFlight <= now;
  // The chain of one may omit the root that the chain of another has.
  const own = run.certificates.flatMap(({ authority }) => authority?.ca.pem ?? []);
  const roots = [reading.roots, request.importing?.acm.chainPem ?? '', ...own].join('\n');
  const isFollowed = (mark: Mark): boolean => !isOver(mark) && !isAcmVersion(mark.replaces);
  const isListed = (id: string): boolean =>
    known.some(({ clientCertificateId }) => clientCertificateId === id);
  const unknown = ids.filter((id) => !isAcmArn(id) && !isListed(id));
  const found = await Promise.all(unknown.map((id) => findEither(reading, id)));
  const generated = [...known, ...found.filter((one) => one !== undefined)];
  const all = await withAcm({ ...reading, roots }, generated, ids, isFollowed);
  const missing = ids.find((id) => !all.some(({ clientCertificateId }) => clientCertificateId === id));
  if (missing !== undefined) throw notFound(missing);
  return all.flatMap((certificate): OtherNeed[] => {
    const { acm, clientCertificateId: arn, mark } = certificate;
    if (acm === undefined) return [];
    const needed = { key: trustKey(certificate), what: arn };
    // What it contained before, or is to contain, cannot be read.
    const isImporting = mark !== undefined && isAcmVersion(mark.replaces) && !isOver(mark);
    return isImporting ? [needed, { what: `the import under ${arn} that is in progress` }] : [needed];
  });
}

const notFound = (id: string): AppError =>
  new AppError('CertificateNotFound', `AWS does not return ${id}, which a stage presents`, {
    hint: 'run the same command again later',
    details: { clientCertificateId: id },
  });

/** Says what stays trusted although this rotation needs it no more. The trust stores were looked at for the step that follows. */
export function warnOfKept(run: Run): void {
  const { unit } = account(run);
  const isForward = run.goal === 'rotate';
  const [goingId, stays] = isForward ? [run.oldId, unit.next] : [unit.next?.clientCertificateId, unit.old];
  const going = run.certificates.find(({ clientCertificateId }) => clientCertificateId === goingId);
  if (going?.acm === undefined) return;
  const key = trustKey(going);
  const needs = run.trustedElsewhere.filter(({ key: needed = key }) => needed === key);
  const isHeld = run.stores?.some(({ mayTrust }) => mayTrust.includes(key)) === true;
  if (needs.length === 0 || !isHeld || (stays !== undefined && trustKey(stays) === key)) return;
  const isKnown = needs.some((need) => need.key !== undefined);
  const what = listText(needs.filter((need) => !isKnown || need.key !== undefined).map((need) => need.what));
  const why = isKnown ? 'is needed for' : 'may be needed for';
  warn(run, 'TrustKept', `${entryText(going)} stays trusted, since it ${why} ${what}`);
}

/** What is not looked at is not known, and has to be said before the trust ends. */
export function warnOfUnread(run: Run, ending: readonly EndedCertificate[]): void {
  const ids = new Set(ending.map(({ clientCertificateId }) => clientCertificateId));
  for (const certificate of run.certificates) {
    if (certificate.acm === undefined || !ids.has(certificate.clientCertificateId)) continue;
    warnOnce(
      run,
      'OtherStagesNotRead',
      `the trust in ${entryText(certificate)} is removed in the end. Only stages of this account and Region, and of targets of the configuration with the same trust store, are read: requests of others that need it would be refused`,
    );
  }
}

const entryText = ({ authority, trusted }: Certificate): string =>
  authority
    ? `the root ${authority.ca.subject} with the ${nameText(authority)}`
    : `the certificate ${trusted.subject}`;
