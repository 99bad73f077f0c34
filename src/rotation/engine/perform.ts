import { isAcmVersion } from '../../control-plane/acm-version.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import { isTrustedElsewhere, proofKey, type Step } from '../rules/next-step.js';
import type { LastStep } from '../rules/plan.js';
import type { StepEvidence } from '../rules/proof.js';
import { trustEntry } from '../rules/trust-key.js';
import { stageText } from '../rules/unit.js';
import { stagesNow } from '../../control-plane/stages.js';
import { acknowledge, isLiveEverywhere } from './acknowledge.js';
import { endTrust, trustEvidence } from './end-trust.js';
import {
  deletedCertificates,
  isCheckFresh,
  lookAtCertificates,
  lookAtStages,
  lookAtStores,
  lookAtSwitched,
  lookAtTrustedElsewhere,
  replaceCertificate,
  replaceStages,
  tellOfKept,
} from './look.js';
import { importNext } from './import.js';
import { adoptNext, makeNext } from './make.js';
import { forgetRemoved, forgetSuccessor, writeMark } from './mark.js';
import { isJournalLost } from './observe.js';
import { proveBack, proveEnd } from './prove-others.js';
import { evidenceOf } from './means.js';
import { proveBoth, proveNew } from './prove.js';
import { publish } from './publications.js';
import {
  account,
  deploymentText,
  NOTHING_PROVED,
  pause,
  step,
  stopIfAsked,
  storeNamed,
  tell,
  trustedElsewhere,
  waitUntil,
  warn,
  type Run,
} from './run.js';
import { situation } from './situation.js';
import { askStage, stageUrlResults, watchStageUrl } from './stage-url.js';
import { assertStackUsable } from './stack.js';
import { switchStages } from './switch.js';

/** The steps that a rotation goes on after. */
export type DoableStep = Exclude<Step, LastStep | { kind: 'keep' }>;

/** Does one step and brings what the run knows up to date. */
export async function perform(run: Run, next: DoableStep): Promise<void> {
  // Whatever changes something, or takes long, makes the look at the whole account a look at the past.
  if (!ENDS.has(next.kind)) run.progress = { ...run.progress, recounted: false };
  switch (next.kind) {
    case 'generate':
      return makeNext(run);
    case 'import':
      return run.request.importing ? importNext(run, run.request.importing) : undefined;
    case 'adopt':
      return adoptNext(run, next.certificate);
    case 'withdraw':
      return withdraw(run, next.certificate);
    case 'trust':
      run.progress = NOTHING_PROVED;
      warnOfWrongStore(run, next);
      return trust(run, next.store, next.certificate);
    case 'acknowledge':
      return acknowledge(run, next);
    case 'preflight':
      return prove(run, next.to);
    case 'recheck':
      return check(run, next.stages);
    case 'switch':
      run.progress = { ...run.progress, checked: false };
      if (!isCheckFresh(run)) return;
      await switchStages(
        run,
        run.goal === 'rotate' ? 'switch' : 'rollBack',
        next.stages,
        next.to.clientCertificateId,
      );
      // An import may have ended the certificate in whose place it was made.
      return isAcmVersion(run.oldId) ? lookAtCertificates(run) : undefined;
    case 'redeploy':
      return redeploy(run, next.stage, next.to);
    case 'publish':
      return publish(run, next);
    case 'verifySwitch':
      return verify(run, next.next);
    case 'soak':
      return soak(run, next.until);
    case 'settle':
      return settle(run, next.until);
    case 'verifyUnused':
      return recount(run);
    case 'delete':
    case 'retire':
    case 'untrust':
    case 'release':
      return endTrust(run, next);
    case 'verifyRemoval':
      return confirm(run, next.next);
    case 'finish':
      return finish(run, next.certificate);
  }
}

const ENDS: ReadonlySet<Step['kind']> = new Set([
  'verifyUnused',
  'delete',
  'untrust',
  'release',
  'verifyRemoval',
  'finish',
]);

/** What the backend accepts ought to be in its trust store: perhaps another one is meant. */
function warnOfWrongStore(run: Run, { store, certificate }: Extract<Step, { kind: 'trust' }>): void {
  const { clientCertificateId: id } = certificate;
  const isUntouched = account(run).moving.every(({ clientCertificateId }) => clientCertificateId === id);
  if (id !== run.oldId || !isUntouched || isJournalLost(run.records)) return;
  warn(
    run,
    'OldCertificateNotTrusted',
    `${store} does not hold ${id}, which is in use, so it is added now: check that this is the trust store of this backend`,
  );
}

/** Adds a certificate to one trust store. */
async function trust(run: Run, storeName: string, certificate: Certificate): Promise<void> {
  const evidence = trustEvidence(certificate);
  const store = await storeNamed(run, storeName);
  await step(
    run,
    'trust',
    storeName,
    async () => {
      await store.add(trustEntry(certificate), { beforeEffect: run.deps.assertHeld });
      return { value: undefined, evidence };
    },
    evidence,
  ).finally(() => {
    delete run.stores;
  });
}

/** Says in AWS, to every run on whatever machine, that no stage is to be switched to it any more. */
async function withdraw(run: Run, certificate: Certificate): Promise<void> {
  const { mark, clientCertificateId } = certificate;
  if (!mark) return;
  await step(run, 'withdraw', clientCertificateId, async () => {
    const withdrawn = run.deps.now().toISOString();
    replaceCertificate(run, await writeMark(run, certificate, { ...mark, withdrawn }));
    return { value: undefined };
  });
}

/** Nothing of the rotation is left: the new certificate is one like any other. */
async function finish(run: Run, certificate: Certificate): Promise<void> {
  await tellOfKept(run);
  if (!certificate.mark) return;
  const mark = { ...certificate.mark };
  delete mark.replacesSha256;
  await step(run, 'finish', certificate.clientCertificateId, async () => {
    try {
      await forgetSuccessor(run);
      replaceCertificate(run, await writeMark(run, await forgetRemoved(run, certificate), mark));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'AccessDenied') throw error;
      warn(
        run,
        'MarkNotWritten',
        `the rotation mark could not be removed from ${certificate.clientCertificateId}, so the next run checks the trust stores for ${run.oldId} again: ${error.message}`,
      );
      replaceCertificate(run, { ...certificate, mark });
    }
    return { value: undefined };
  });
}

async function prove(run: Run, to: Certificate): Promise<void> {
  const { calls } = await situation(run);
  const { old } = account(run).unit;
  await step(run, 'preflight', to.clientCertificateId, async () => ({
    value: undefined,
    evidence: await (run.goal === 'rotate' ? proveBoth(run, old, to) : proveBack(run, to)),
  }));
  run.progress = { ...run.progress, proved: proofKey(to.clientCertificateId, calls) };
}

/** Looks once more right before the switch: the proofs took time, and others may have been at work. */
async function check(run: Run, stages: readonly Stage[]): Promise<void> {
  const { controlPlane, now } = run.deps;
  const isStillLive = await step(run, 'recheck', undefined, async () => {
    const begun = now();
    const [seen] = await Promise.all([stagesNow(controlPlane, stages), lookAtCertificates(run)]);
    replaceStages(run, seen);
    delete run.stores;
    // Here and not before the switch: a slow store must not make this look outdated before it has served.
    await Promise.all([lookAtStores(run), assertStackUsable(run)]);
    const { next } = account(run).unit;
    const value = run.goal !== 'rotate' || !next || (await isLiveEverywhere(run, [next]));
    run.check = { begun, ended: now() };
    return { value };
  });
  run.progress = { ...run.progress, checked: true };
  // A host that came meanwhile is waited for again.
  if (!isStillLive) delete run.progress.acknowledged;
}

async function redeploy(run: Run, stage: Stage, { clientCertificateId }: Certificate): Promise<void> {
  const description = deploymentText(clientCertificateId);
  await step(run, 'redeploy', stageText(stage), async () => {
    const { id } = await run.deps.controlPlane.createDeployment(stage, description);
    run.deployments.set(id, description);
    replaceStages(run, [{ ...stage, deploymentId: id }]);
    return { value: undefined, evidence: { deploymentId: id } };
  });
}

async function verify(run: Run, next: Certificate): Promise<void> {
  const { moving } = account(run);
  const { calls } = await situation(run);
  const key = proofKey(next.clientCertificateId, calls);
  await step(run, 'verifySwitch', next.clientCertificateId, async () => {
    await lookAtSwitched(run, moving, next.clientCertificateId);
    const behind =
      account(run).moving.some(
        ({ clientCertificateId }) => clientCertificateId !== next.clientCertificateId,
      ) || account(run).moving.length < moving.length;
    // Somebody set another certificate: the next look decides, a proof would say nothing about it. And a test call
    // does not depend on the stage, so that what this run has proved before the switch need not be asked again.
    const failure = behind ? undefined : await askStage(run);
    if (failure !== undefined) throw refusedInUse(failure);
    if (behind || run.progress.proved === key)
      return { value: undefined, evidence: behind ? {} : inUseEvidence(run, next) };
    return { value: undefined, evidence: await proveNew(run, next) };
  });
  run.progress = { ...run.progress, checked: false, verified: key };
}

/** Of a certificate of ACM, the stage's URL may be all that shows whether it is accepted. */
function inUseEvidence(run: Run, next: Certificate): StepEvidence {
  const results = next.acm ? stageUrlResults(run, 'new', next) : [];
  return results.length === 0 ? {} : evidenceOf({ unreached: [] }, results);
}

function refusedInUse(what: string): AppError {
  return new AppError('NewCertificateRefused', `${what} after the switch`, {
    hint: 'check the logs of the backend',
  });
}

/** Lets API Gateway bring the change to all its hosts, and watches the stage's own URL meanwhile where one is given. */
async function soak(run: Run, until: Date): Promise<void> {
  const { deps, request } = run;
  const end = until.toISOString();
  const probeUrl = run.goal === 'rotate' ? request.probeUrl : undefined;
  tell(run, { type: 'waiting', until: end, reason: 'soak' });
  if (!request.settings.wait) {
    const what =
      run.goal === 'rotate'
        ? 'the new certificate is in use; the old one is removed'
        : 'the old certificate is in use; the new one is removed';
    throw waitingError(`${what} after the soak, at ${end}`, end);
  }
  await step(run, 'soak', undefined, async () => {
    const watch = probeUrl === undefined ? undefined : watchStageUrl(run, probeUrl);
    for (;;) {
      stopIfAsked(run);
      const left = until.getTime() - deps.now().getTime();
      if (left <= 0) break;
      const failure = await watch?.ask();
      if (failure !== undefined) throw refusedInUse(failure);
      await pause(run, Math.min(left, watch?.pauseFor ?? left), left);
    }
    return { value: undefined, evidence: { requests: watch?.requests ?? 0 } };
  });
}

function waitingError(message: string, until: string): AppError {
  return new AppError('RotationWaiting', message, {
    hint: 'run the same command again after that',
    details: { until },
  });
}

/** Lets what was sent to AWS and never answered take effect, if it does. */
async function settle(run: Run, until: Date): Promise<void> {
  const end = until.toISOString();
  tell(run, { type: 'waiting', until: end, reason: 'calls without a response' });
  if (!run.request.settings.wait) {
    throw waitingError(`a call to AWS that got no response may still take effect until ${end}`, end);
  }
  await step(run, 'settle', undefined, async () => {
    await waitUntil(run, until);
    await lookAtCertificates(run);
    return { value: undefined };
  });
}

/** Asks once more which stages there are: nothing that any of them presents may go. */
async function recount(run: Run): Promise<void> {
  await step(run, 'verifyUnused', undefined, async () => {
    // The certificates as well: another run may have withdrawn the new one meanwhile.
    await lookAtStages(run);
    await lookAtCertificates(run);
    // Somebody may have published something else meanwhile, which must not go now.
    run.published.clear();
    const begun = run.deps.now();
    await lookAtTrustedElsewhere(run);
    await lookAtStores(run);
    if (run.look) run.look = { ...run.look, storesTook: run.deps.now().getTime() - begun.getTime() };
    return { value: undefined, evidence: { stages: run.stages.length } };
  });
  const { moving, unit } = account(run);
  const id = run.goal === 'rotate' ? unit.next?.clientCertificateId : unit.oldId;
  const behind =
    run.goal !== 'cancel' && moving.some(({ clientCertificateId }) => clientCertificateId !== id);
  // A stage that came to what was to go moves too, and its backend has not been asked yet.
  run.progress = behind ? NOTHING_PROVED : { ...run.progress, recounted: true };
}

/** After the removal: the certificate in use has to be accepted, and what is gone refused where that can be tried. */
async function confirm(run: Run, next: Certificate): Promise<void> {
  const known = new Set(run.certificates.map(({ clientCertificateId }) => clientCertificateId));
  // What other stages need stays trusted, so that backends rightly accept it.
  const needed = trustedElsewhere(run);
  const ended = [
    ...run.gone,
    ...deletedCertificates(run).flatMap((one) =>
      isTrustedElsewhere(needed, one) ? [] : [one.clientCertificateId],
    ),
  ];
  const gone = [...new Set(ended)].map((clientCertificateId) => ({
    clientCertificateId,
    exists: known.has(clientCertificateId),
  }));
  await step(run, 'verifyRemoval', next.clientCertificateId, async () => ({
    value: undefined,
    evidence: await proveEnd(run, next, gone),
  }));
  run.progress = { ...run.progress, confirmed: true };
}
