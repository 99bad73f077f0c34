/**
 * A rotation under one ARN: ACM imports a certificate that replaces the one that stages present. To the engine, each of the
 * two is a certificate with an id of its own ({@link acmVersion}), a stage presents the one that the ARN contains, and to switch
 * stages is to import. Everything else of a rotation, its roll-back and its resumption are the same.
 */
import type { AcmCertificate } from '../../control-plane/acm-certificate.js';
import { acmVersion, arnOfVersion, isAcmVersion } from '../../control-plane/acm-version.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { MARK_TAG_KEYS, NEXT_TAG_KEY, readMark } from '../../control-plane/marks.js';
import { STALE, type RememberingControlPlane } from '../../control-plane/remembering.js';
import { AppError } from '../../platform/errors.js';
import { stageText } from '../rules/unit.js';
import { see, type ObservedAccount } from './observed-account.js';
import type { ImportedIdentity, RotationDeps, RotationRequest } from './ports.js';

/** Which version the mark in the tags of the ARN is of, by the end of its id. */
const VERSION_TAG_KEY = 'apigw-cert:version';

/** What one rotation is handed. */
export interface Given {
  deps: RotationDeps;
  request: RotationRequest;
  target: Stage;
}

type Tags = Readonly<Record<string, string>>;

/** The rotation from one version of an ARN to another that its tags say is not over. */
interface Begun {
  oldId: string;
  newId: string;
}

const markedVersion = (arn: string, tags: Tags): string => `${arn}@${tags[VERSION_TAG_KEY] ?? ''}`;

function begunIn(arn: string, tags: Tags): Begun | undefined {
  const mark = readMark({ tags });
  const newId = markedVersion(arn, tags);
  if (mark?.replacesSha256 === undefined || !isAcmVersion(newId)) return undefined;
  const isOfIt = isAcmVersion(mark.replaces) && arnOfVersion(mark.replaces) === arn;
  return isOfIt ? { oldId: mark.replaces, newId } : undefined;
}

const versionOf = (arn: string, { trusted }: Pick<AcmCertificate, 'trusted'>): string =>
  acmVersion(arn, trusted.fingerprintSha256);

/**
 * Has the engine see the versions of an ARN, where a certificate is to be imported in place, or an earlier run began that.
 * @throws AppError `CertificateUnsuitable` where no ARN is presented; `CertificateOfAcm` where only the files of an earlier run
 * can continue it; `StageChanged` where someone else imported a third one; `Usage` for files of another certificate
 */
export async function withVersions(given: Given): Promise<Given> {
  const { deps, request, target } = given;
  const { clientCertificateId: arn } = target;
  const { inPlace, importing } = request;
  if (arn === undefined || !isAcmArn(arn)) {
    if (inPlace === undefined) return given;
    throw new AppError(
      'CertificateUnsuitable',
      `${stageText(target)} presents no ACM certificate to replace`,
      {
        hint: 'nothing was changed; omit --in-place to import the certificate under a new ARN and rotate to it',
      },
    );
  }
  const { controlPlane } = deps;
  const tags = await tagsOf(controlPlane, arn);
  const begun = tags && begunIn(arn, tags);
  if (tags === undefined || (inPlace === undefined && begun === undefined)) return given;
  if (begun === undefined) assertEarlierEnded(given, arn, tags);
  const content = await controlPlane.getAcmCertificate(arn);
  if (begun) assertOneOf(begun, arn, { content, tags });
  const next = inPlace && importing;
  const held = new Map(
    [next, inPlace?.previous?.importing].flatMap((one) => (one ? [[versionOf(arn, one.acm), one]] : [])),
  );
  assertFiles(given, arn, { content, begun, held });
  // The new one stays known after a roll-back has replaced it; the old one can only be imported again from its files.
  const left =
    begun?.newId === versionOf(arn, content)
      ? new Map([[begun.newId, content]])
      : new Map<string, AcmCertificate>();
  const known = [versionOf(arn, content), ...held.keys(), ...(begun ? [begun.oldId, begun.newId] : [])];
  const versions = versionsOf(deps, arn, { held, left, known: new Set(known) });
  const [stage = target] = await versions.seen([target]);
  return {
    deps: versions.deps,
    request: {
      ...request,
      importing: inPlace ? undefined : importing,
      ...(next === undefined ? {} : { to: versionOf(arn, next.acm) }),
      settings: { ...request.settings, redeploy: 'never' },
    },
    target: stage,
  };
}

/**
 * The mark of an import in place overwrites the one that the rotation to the ARN left: what that rotation has not deleted or
 * removed from the trust stores yet would stay for ever.
 * @throws AppError `Usage`
 */
function assertEarlierEnded({ target }: Given, arn: string, tags: Tags): void {
  const mark = readMark({ tags });
  if (mark?.replacesSha256 === undefined) return;
  throw new AppError(
    'Usage',
    `${stageText(target)}: a rotation from ${mark.replaces} to ${arn} is in progress, so nothing can be imported in place`,
    {
      hint: 'run the command without --import and --in-place and their files first: it completes that rotation, or with --abort aborts it',
      details: { clientCertificateId: arn },
    },
  );
}

/**
 * Someone else may import too. This rotation cannot tell which of the three certificates the backends need then: it removes
 * nothing that it trusts.
 * @throws AppError `StageChanged`
 */
function assertOneOf(
  { oldId, newId }: Begun,
  arn: string,
  { content, tags }: { content: AcmCertificate; tags: Tags },
): void {
  const current = versionOf(arn, content);
  if (current === oldId || current === newId) return;
  const keys = [...MARK_TAG_KEYS, VERSION_TAG_KEY].filter((key) => key in tags);
  throw new AppError(
    'StageChanged',
    `someone else imported another certificate under ${arn} during the rotation from ${oldId} to ${newId}: it contains ${current}`,
    {
      hint: `the trust stores are unchanged. Make sure that the backends accept it, remove the trust that is no longer needed, and end the rotation: aws acm remove-tags-from-certificate --certificate-arn ${arn} --tags ${keys.map((key) => `Key=${key}`).join(' ')}`,
      details: { clientCertificateId: current, oldCertificateId: oldId, newCertificateId: newId },
    },
  );
}

/** Nothing where the ARN is gone: what presents it says so. */
async function tagsOf(controlPlane: RememberingControlPlane, arn: string): Promise<Tags | undefined> {
  try {
    return await controlPlane.getAcmTags(arn);
  } catch (error) {
    if (error instanceof AppError && error.code === 'CertificateNotFound') return undefined;
    throw error;
  }
}

/** Whether the files are those of this ARN, and of the rotation that is in progress. */
function assertFiles(
  { request: { inPlace, importing }, target }: Given,
  arn: string,
  {
    content,
    begun,
    held,
  }: { content: AcmCertificate; begun: Begun | undefined; held: ReadonlyMap<string, ImportedIdentity> },
): void {
  const current = versionOf(arn, content);
  if (begun?.oldId === current && !held.has(begun.newId)) {
    throw new AppError(
      'CertificateOfAcm',
      `${stageText(target)}: an import under ${arn} is in progress, and its certificate is not specified`,
      {
        hint: 'run the command that began it again, with its files (--import FILE --key FILE --in-place): it completes the import, or the abort if one was begun; or add --abort to that command',
        details: { clientCertificateId: arn },
      },
    );
  }
  const old = current === begun?.newId ? begun.oldId : current;
  const { previous } = inPlace ?? {};
  const next = importing && versionOf(arn, importing.acm);
  if (previous !== undefined && versionOf(arn, previous.importing.acm) !== old && next !== current) {
    throw new AppError('Usage', `the certificate of --previous-cert is not the one that ${arn} replaces`, {
      hint: `specify the certificate that the stage presents now, with its chain and its key; \`apigw-cert download ${arn}\` writes it without the key`,
      details: { clientCertificateId: arn },
    });
  }
  if (next === current && importing?.acm.chainPem !== content.chainPem) {
    throw new AppError(
      'CertificateUnsuitable',
      `${arn} contains this certificate already, with another chain`,
      {
        hint: 'nothing was changed; omit --in-place to import it with this chain under a new ARN and rotate to it',
        details: { clientCertificateId: arn },
      },
    );
  }
}

interface Versions {
  deps: RotationDeps;
  /** Stages as they present versions. */
  seen: (stages: readonly Stage[]) => Promise<Stage[]>;
}

function versionsOf(
  deps: RotationDeps,
  arn: string,
  {
    held,
    left,
    known,
  }: {
    /** What can be imported. */
    held: ReadonlyMap<string, ImportedIdentity>;
    /** What the ARN contained, and is remembered when it does not any more. */
    left: ReadonlyMap<string, AcmCertificate>;
    /** What may be replaced. */
    known: ReadonlySet<string>;
  },
): Versions {
  const { controlPlane: aws, account: whole, now } = deps;
  /** What this run imported last, and when: until ACM shows it, its answers may come late. */
  let sent: { id: string; at: number } | undefined;

  const isOurs = (id: string | undefined): id is string =>
    id !== undefined && isAcmVersion(id) && arnOfVersion(id) === arn;
  const content = (): Promise<AcmCertificate> => aws.getAcmCertificate(arn);

  async function seen(stages: readonly Stage[]): Promise<Stage[]> {
    if (!stages.some(({ clientCertificateId }) => clientCertificateId === arn)) return [...stages];
    const current = await content();
    return stages.map((stage) => (stage.clientCertificateId === arn ? presenting(stage, current) : stage));
  }

  /** An import changes what a stage presents, and not the date of its last update. */
  function presenting(stage: Stage, current: AcmCertificate): Stage {
    const { lastUpdatedDate = current.createdDate } = stage;
    const changed = Math.max(lastUpdatedDate.getTime(), current.createdDate.getTime());
    return { ...stage, clientCertificateId: versionOf(arn, current), lastUpdatedDate: new Date(changed) };
  }

  async function put(id: string): Promise<void> {
    if (sent?.id === id && now().getTime() < sent.at + STALE) return;
    const current = versionOf(arn, await content());
    if (current === id) return;
    if (!known.has(current)) {
      throw new AppError('StageChanged', `someone else imported another certificate under ${arn}`, {
        hint: `check what it contains now (\`apigw-cert inspect ${arn}\`), then run the command again`,
      });
    }
    const files = held.get(id);
    if (files === undefined) throw notHeld(id);
    await files.import(aws, { arn });
    sent = { id, at: now().getTime() };
  }

  const controlPlane: RememberingControlPlane = {
    ...aws,
    async getAcmCertificate(id) {
      if (!isOurs(id)) return aws.getAcmCertificate(id);
      const current = await content();
      if (versionOf(arn, current) === id) return { ...current, arn: id };
      const before = left.get(id);
      if (before !== undefined) return { ...before, arn: id };
      const files = held.get(id);
      if (files === undefined) throw notHeld(id);
      // When it was in ACM is not known: at the earliest as long as it is valid.
      return { ...files.acm, arn: id, createdDate: files.acm.trusted.notBefore };
    },
    async getAcmTags(id) {
      const tags = await aws.getAcmTags(arnOfVersion(id));
      if (!isOurs(id)) return tags;
      const isMarked = markedVersion(arn, tags) === id;
      return Object.fromEntries(
        Object.entries(tags).filter(([key]) => isMarked || !MARK_TAG_KEYS.includes(key)),
      );
    },
    async tagClientCertificate(id, tags) {
      if (!isOurs(id)) return aws.tagClientCertificate(id, tags);
      const own = Object.fromEntries(Object.entries(tags).filter(([key]) => key !== NEXT_TAG_KEY));
      if (Object.keys(own).length === 0) return;
      const present = await aws.getAcmTags(arn);
      const stale = MARK_TAG_KEYS.filter((key) => key in present);
      if (markedVersion(arn, present) !== id && stale.length > 0)
        await aws.untagClientCertificate(arn, stale);
      await aws.tagClientCertificate(arn, { ...own, [VERSION_TAG_KEY]: id.slice(arn.length + 1) });
    },
    async untagClientCertificate(id, keys) {
      if (!isOurs(id)) return aws.untagClientCertificate(id, keys);
      const present = await aws.getAcmTags(arn);
      if (markedVersion(arn, present) !== id) return;
      const left = MARK_TAG_KEYS.filter((key) => key in present && !keys.includes(key));
      await aws.untagClientCertificate(arn, left.length === 0 ? [...keys, VERSION_TAG_KEY] : keys);
    },
    async getStage(ref) {
      const [stage] = await seen([await aws.getStage(ref)]);
      if (stage === undefined) throw new Error('a stage was lost');
      return stage;
    },
    currentStages: async (api) => seen(await aws.currentStages(api)),
    async setStageCertificate(ref, id) {
      if (!isOurs(id)) return aws.setStageCertificate(ref, id);
      await put(id);
      const stage = await aws.getStage(ref);
      return stage.clientCertificateId === arn
        ? { ...stage, clientCertificateId: id, lastUpdatedDate: now() }
        : stage;
    },
    async testInvokeMethod(invocation) {
      const { clientCertificateId: id } = invocation;
      if (!isOurs(id)) return aws.testInvokeMethod(invocation);
      throw new AppError(
        'RequestRefused',
        `a test call with ${arn} does not show which certificate it presents`,
      );
    },
  };

  const sightings: ObservedAccount['sightings'] = new Map();
  const account: ObservedAccount = {
    sightings,
    async look(asked) {
      const look = await whole.look(asked);
      const stages = await seen(look.stages);
      const ended = now();
      see({ sightings }, stages, ended);
      return { ...look, stages, ended };
    },
  };
  // What is published, and what a stack says, is the ARN, which stays.
  return { deps: { ...deps, controlPlane, account, publishing: undefined, stack: undefined }, seen };
}

const notHeld = (id: string): AppError =>
  new AppError('CertificateNotFound', `ACM no longer has ${id}, and its files are not specified`, {
    hint: 'specify them: --previous-cert FILE --previous-key FILE',
    details: { clientCertificateId: id },
  });
