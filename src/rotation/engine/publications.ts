/** Where the id of the certificate in use is published: looking at it, and keeping it true. */
import type { Stage } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import type { Publication } from '../../publications/publication.js';
import { presentedBy, type PublicationView, type Step } from '../rules/next-step.js';
import type { RotationReport } from '../rules/report.js';
import type { RotationRecord } from '../rules/record.js';
import { stageText } from '../rules/unit.js';
import type { PublishingTarget } from './ports.js';
import { account, step, tell, warn, type PublicationSight as Sight, type Run } from './run.js';

async function look(publication: Publication): Promise<Sight> {
  try {
    return await publication.observe();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { state: 'unreadable', error };
  }
}

/** What this run last saw; looked at again once that is forgotten. */
async function sightOf(run: Run, publication: Publication): Promise<Sight> {
  const sight = run.published.get(publication.name) ?? (await look(publication));
  run.published.set(publication.name, sight);
  return sight;
}

/** What the rotation's records say of one that cannot be looked into. */
function recorded(
  records: readonly RotationRecord[],
  name: string,
): Pick<PublicationView, 'holds' | 'isKnown'> {
  const last = records.findLast(
    (entry) => 'step' in entry && entry.step === 'publish' && entry.subject === name,
  );
  const id = last?.type === 'done' ? last.evidence?.['clientCertificateId'] : undefined;
  return typeof id === 'string' ? { holds: id, isKnown: true } : { isKnown: false };
}

function knownOf(run: Run, name: string, sight: Sight): Pick<PublicationView, 'holds' | 'isKnown'> {
  switch (sight.state) {
    case 'holds':
      return { holds: sight.clientCertificateId, isKnown: true };
    case 'empty':
      return { isKnown: true };
    case 'unobservable':
      return recorded(run.records, name);
    case 'unreadable':
      return { isKnown: false };
  }
}

/** The targets that the rotation is about: its own, and those that have a stage that it moves. */
const concerned = (run: Run): readonly PublishingTarget[] => {
  const { publishing = [] } = run.deps;
  if (publishing.length === 0) return [];
  const { moving } = account(run);
  return publishing.filter(({ isOwn, has }) => isOwn || moving.some(has));
};

/** What the publications hold. One that cannot be read is not known: that must not keep a stage from going back. */
export async function lookAtPublications(run: Run): Promise<PublicationView[]> {
  const targets = concerned(run);
  if (targets.length === 0) return [];
  const moving = new Set(account(run).moving.map(stageText));
  const views: PublicationView[] = [];
  for (const { has, publications } of targets) {
    const its = run.stages.filter(has);
    const moved = its.map(stageText).filter((name) => moving.has(name));
    const others = its.filter((stage) => !moving.has(stageText(stage)));
    const elsewhere = [...new Set(others.map(({ clientCertificateId = '' }) => clientCertificateId))];
    for (const publication of await publications()) {
      const { name } = publication;
      views.push({
        name,
        stages: moved,
        elsewhere,
        ...knownOf(run, name, await sightOf(run, publication)),
      });
    }
  }
  return views;
}

/**
 * Before anything is changed, each has to be readable: what is published could not be kept true otherwise.
 * @throws AppError `PublicationUnreadable`, or of how AWS is reached
 */
export async function assertPublicationsReadable(run: Run): Promise<void> {
  run.published.clear();
  await lookAtPublications(run);
  for (const sight of run.published.values()) if (sight.state === 'unreadable') throw sight.error;
}

async function publicationNamed(run: Run, name: string): Promise<Publication> {
  for (const { publications } of concerned(run)) {
    const found = (await publications()).find((publication) => publication.name === name);
    if (found) return found;
  }
  throw new Error(`there is no publication ${name}`);
}

/** Publishes the id that the stages of a target present. */
export async function publish(
  run: Run,
  { publication: name, clientCertificateId }: Extract<Step, { kind: 'publish' }>,
): Promise<void> {
  const publication = await publicationNamed(run, name);
  const sight = await sightOf(run, publication);
  const evidence = { clientCertificateId };
  // Whatever comes of it, what was seen before is not true any more.
  run.published.delete(name);
  try {
    await step(
      run,
      'publish',
      name,
      async () => {
        await publication.publish(clientCertificateId, run.deps.assertHeld);
        return { value: undefined, evidence };
      },
      evidence,
    );
  } catch (error) {
    throw withState(run, error, clientCertificateId);
  }
  if (sight.state === 'unobservable') run.published.set(name, sight);
  else run.published.set(name, { state: 'holds', ...evidence });
  if (sight.state === 'holds' && !isOwn(run, sight.clientCertificateId))
    warnOfCorrection(run, name, sight.clientCertificateId, clientCertificateId);
}

/** Whether an id is, or was, one of the rotation's. */
function isOwn(run: Run, id: string): boolean {
  const { unit } = account(run);
  const its = [unit.oldId, ...[unit.next, ...unit.spares].map((one) => one?.clientCertificateId)];
  return (
    its.includes(id) ||
    run.gone.has(id) ||
    run.records.some((entry) => entry.type === 'certificate' && entry.clientCertificateId === id)
  );
}

function warnOfCorrection(run: Run, name: string, before: string, id: string): void {
  warn(
    run,
    'PublicationCorrected',
    `${name} contained ${before}, which no stage of the target presents; it now contains ${id}, the certificate in use`,
  );
}

/** Says in which state a failure leaves the stages: a safe one, as long as nothing reads the old id for long. */
function withState(run: Run, error: unknown, id: string): unknown {
  if (!(error instanceof AppError) || run.goal !== 'rotate' || id === run.oldId) return error;
  if (!FAILURES.has(error.code)) return error;
  const again = `fix it and run the same command again, before anything reads the old ID and sets it: ${run.oldId} is kept and trusted until then`;
  return new AppError(error.code, `${error.message}; the stages present ${id}, which is not published`, {
    cause: error,
    hint: error.hint === undefined ? again : `${error.hint}; ${again}`,
    details: { ...error.details, clientCertificateId: id },
  });
}

const FAILURES: ReadonlySet<string> = new Set([
  'PublicationFailed',
  'PublicationUnreadable',
  'ServiceUnreachable',
]);

/**
 * Where nothing is due, the target's own publications are compared with what its stages present, and corrected: one read
 * each. What cannot be looked into is taken to be right.
 * @returns the report, with what was, or would be, published
 * @throws AppError `PublicationAmbiguous`, `PublicationFailed`, `PublicationUnreadable`
 */
export async function keepPublished(
  run: Run,
  idle: RotationReport,
  dryRun: boolean,
): Promise<RotationReport> {
  const steps: RotationReport['steps'] = [];
  for (const target of run.deps.publishing ?? []) {
    if (!target.isOwn) continue;
    const publications = await target.publications();
    const id = presentedByAll(await target.stages(run.deps.controlPlane), publications);
    for (const publication of publications) {
      const seen = await publication.observe();
      const isTrue = seen.state === 'holds' && seen.clientCertificateId === id;
      if (seen.state === 'unobservable' || isTrue) continue;
      const { name } = publication;
      if (dryRun) {
        steps.push({ step: 'publish', subject: `${name}: ${id}` });
        continue;
      }
      const { now, assertHeld } = run.deps;
      const started = now().getTime();
      tell(run, { type: 'stepStarted', step: 'publish', subject: name });
      await publication.publish(id, assertHeld);
      const done = { step: 'publish', subject: name, ms: now().getTime() - started } as const;
      const evidence = { clientCertificateId: id };
      tell(run, { type: 'stepDone', ...done, evidence });
      steps.push({ ...done, evidence });
      if (seen.state === 'holds') warnOfCorrection(run, name, seen.clientCertificateId, id);
    }
  }
  return { ...idle, steps, warnings: run.warnings };
}

/** @throws AppError `PublicationAmbiguous` */
export function presentedByAll(stages: readonly Stage[], publications: readonly { name: string }[]): string {
  const id = presentedBy({ stages: stages.map(stageText), elsewhere: [] }, stages);
  if (id !== undefined) return id;
  const shown = stages.map(
    (stage) => `${stageText(stage)} presents ${stage.clientCertificateId ?? 'no certificate'}`,
  );
  throw new AppError(
    'PublicationAmbiguous',
    `${publications.map(({ name }) => name).join(', ')} can hold one ID, but the stages of the target present different certificates: ${shown.join(', ')}`,
    {
      hint: 'give each of these stages a target of its own with its own publication, or attach the same certificate to them',
      details: { stages: stages.map(stageText) },
    },
  );
}
