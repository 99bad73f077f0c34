import type { Stage } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import type { Step } from '../../core/rotation/next-step.js';
import { stageText, type RotationCertificate, type TrustableCertificate } from '../../core/rotation/unit.js';
import { allStages } from '../stages.js';
import { makeNext } from './make.js';
import { eraseMark } from './mark.js';
import { isJournalLost, observeCertificates } from './observe.js';
import { askUntil, probesOf, proveBoth, proveNew, refusalText } from './prove.js';
import {
  account,
  deploymentText,
  NOTHING_PROVED,
  pause,
  step,
  stopIfAsked,
  storeNamed,
  tell,
  warn,
  type Run,
} from './run.js';

/** Between two requests to the stage's own URL while it soaks, and after one that failed, in milliseconds. */
const SOAK_INTERVAL = 5_000;
const SOAK_RETRY = 1_000;
/** Failed requests in a row that end a soak; one alone may be anybody's. */
const SOAK_FAILURES = 3;

/** The steps that a rotation goes on after. */
export type DoableStep = Exclude<Step, { kind: 'done' | 'keep' | 'stageChanged' }>;

/** Does one step and brings what the run knows up to date. */
export async function perform(run: Run, next: DoableStep): Promise<void> {
  switch (next.kind) {
    case 'generate':
      return makeNext(run);
    case 'trust':
      run.progress = NOTHING_PROVED;
      warnOfWrongStore(run, next);
      return changeTrust(run, 'trust', next.store, next.certificate);
    case 'untrust':
      run.progress = { ...run.progress, confirmed: false };
      return changeTrust(run, 'untrust', next.store, next.certificate);
    case 'prove':
      return prove(run);
    case 'check':
      return check(run);
    case 'switch':
      return switchStage(run, 'switch', next.stage, next.next.clientCertificateId);
    case 'redeploy':
      return redeploy(run, next.stage, next.next);
    case 'verify':
      return verify(run, next.next);
    case 'soak':
      return soak(run, next.until);
    case 'recount':
      return recount(run);
    case 'confirm':
      return confirm(run, next.next);
    case 'delete':
      return deleteOld(run, next.certificate);
  }
}

/** What the backend accepts ought to be in its trust store: perhaps another one is meant. */
function warnOfWrongStore(run: Run, { store, certificate }: Extract<Step, { kind: 'trust' }>): void {
  const { clientCertificateId: id } = certificate;
  const isUntouched = account(run).moving.every(({ clientCertificateId }) => clientCertificateId === id);
  if (id !== run.oldId || !isUntouched || isJournalLost(run.records)) return;
  warn(
    run,
    'OldCertificateNotTrusted',
    `${store} does not hold ${id}, which is in use, and gets it now: is it the trust store of this backend?`,
  );
}

/** Adds a certificate to one trust store, or takes it away. */
export async function changeTrust(
  run: Run,
  name: 'trust' | 'untrust' | 'untrustNew',
  storeName: string,
  { clientCertificateId, trusted }: TrustableCertificate,
): Promise<void> {
  const store = await storeNamed(run, storeName);
  const { fingerprintSha256 } = trusted;
  const evidence = { clientCertificateId, fingerprintSha256 };
  const change = async (): Promise<{ value: undefined; evidence: typeof evidence }> => {
    await (name === 'trust' ? store.add(trusted) : store.remove(trusted));
    return { value: undefined, evidence };
  };
  await step(run, name, storeName, change, evidence).finally(() => {
    delete run.stores;
  });
}

async function prove(run: Run): Promise<void> {
  const { old, next } = account(run).unit;
  if (!next) return;
  await step(run, 'prove', next.clientCertificateId, async () => ({
    value: undefined,
    evidence: await proveBoth(run, old, next),
  }));
  run.progress = { ...run.progress, proved: true };
}

/** Looks once more right before the switch: the proofs took time, and others may have been at work. */
async function check(run: Run): Promise<void> {
  const { gateway } = run.deps;
  const before = account(run);
  await step(run, 'check', undefined, async () => {
    const waiting = before.moving.filter(
      ({ clientCertificateId }) => clientCertificateId !== before.unit.next?.clientCertificateId,
    );
    const [certificates, ...seen] = await Promise.all([
      observeCertificates(gateway),
      ...waiting.map((stage) => gateway.getStage(stage)),
    ]);
    run.certificates = certificates;
    replaceStages(run, seen);
    delete run.stores;
    return { value: undefined };
  });
  run.progress = { ...run.progress, checked: true };
}

function replaceStages(run: Run, seen: readonly Stage[]): void {
  const fresh = new Map(seen.map((stage) => [stageText(stage), stage]));
  run.stages = run.stages.map((stage) => fresh.get(stageText(stage)) ?? stage);
}

/** Sets a stage's certificate; `rollBack` is the same the other way round. */
export async function switchStage(
  run: Run,
  name: 'switch' | 'rollBack',
  stage: Stage,
  clientCertificateId: string,
): Promise<void> {
  const { gateway } = run.deps;
  await step(run, name, stageText(stage), async () => {
    const before = stage.clientCertificateId;
    replaceStages(run, [await gateway.setStageCertificate(stage, clientCertificateId)]);
    return { value: undefined, evidence: { before, after: clientCertificateId } };
  });
  run.hasSwitched = true;
}

async function redeploy(run: Run, stage: Stage, { clientCertificateId }: RotationCertificate): Promise<void> {
  const description = deploymentText(clientCertificateId);
  await step(run, 'redeploy', stageText(stage), async () => {
    const { id } = await run.deps.gateway.createDeployment(stage, description);
    run.deployments.set(id, description);
    replaceStages(run, [{ ...stage, deploymentId: id }]);
    return { value: undefined, evidence: { deploymentId: id } };
  });
}

async function verify(run: Run, next: RotationCertificate): Promise<void> {
  const { gateway } = run.deps;
  const { moving } = account(run);
  await step(run, 'verify', next.clientCertificateId, async () => {
    replaceStages(run, await Promise.all(moving.map((stage) => gateway.getStage(stage))));
    const behind = account(run).moving.length < moving.length;
    // Somebody set another certificate: the next look decides, a proof would say nothing about it. And a test call
    // does not depend on the stage, so that what this run has proved before the switch need not be asked again.
    const failure = behind ? undefined : await askStage(run);
    if (failure !== undefined) throw refusedInUse(failure);
    if (behind || run.progress.proved) return { value: undefined };
    return { value: undefined, evidence: { accepted: await proveNew(run, next) } };
  });
  run.progress = { ...run.progress, checked: false, verified: true };
}

/** Asks the stage's own URL, where one is given, until it answers well. @returns what is wrong with it, if it never does */
export async function askStage(run: Run): Promise<string | undefined> {
  const { probeUrl } = run.request;
  if (probeUrl === undefined) return undefined;
  for (let failures = 1; ; failures++) {
    const status = await run.deps.request(probeUrl);
    if (isGood(status)) return undefined;
    if (failures === SOAK_FAILURES) return answeredText(probeUrl, status);
    await pause(run, SOAK_RETRY);
  }
}

const isGood = (status: number): boolean => status >= 200 && status < 400;

const answeredText = (url: string, status: number): string =>
  `${url} ${status === 0 ? 'did not answer' : `answered ${status}`} ${SOAK_FAILURES} times in a row`;

function refusedInUse(what: string): AppError {
  return new AppError('NewCertificateRefused', `${what} after the switch`, {
    hint: 'see what the backend logs about it',
  });
}

/** Lets API Gateway bring the change to all its hosts, and watches the stage's own URL meanwhile where one is given. */
async function soak(run: Run, until: Date): Promise<void> {
  const { deps, request } = run;
  const end = until.toISOString();
  tell(run, { type: 'waiting', until: end, reason: 'soak' });
  if (!request.settings.wait) {
    throw new AppError(
      'RotationWaiting',
      `the new certificate is in use; the old one goes after the soak, at ${end}`,
      {
        hint: 'run the same command again after that',
        details: { until: end },
      },
    );
  }
  await step(run, 'soak', undefined, async () => {
    let requests = 0;
    let failures = 0;
    for (;;) {
      stopIfAsked(run);
      const left = until.getTime() - deps.now().getTime();
      if (left <= 0) break;
      if (request.probeUrl === undefined) {
        await pause(run, left);
        continue;
      }
      const status = await deps.request(request.probeUrl);
      requests += 1;
      failures = isGood(status) ? 0 : failures + 1;
      if (failures === SOAK_FAILURES) throw refusedInUse(answeredText(request.probeUrl, status));
      await pause(run, Math.min(left, failures > 0 ? SOAK_RETRY : SOAK_INTERVAL));
    }
    return { value: undefined, evidence: { requests } };
  });
}

/** Asks once more which stages there are: nothing that any of them presents may go. */
async function recount(run: Run): Promise<void> {
  await step(run, 'recount', undefined, async () => {
    run.deps.gateway.forget();
    const { stages } = await allStages(run.deps.gateway);
    run.stages = stages;
    delete run.stores;
    return { value: undefined, evidence: { stages: stages.length } };
  });
  const { moving, unit } = account(run);
  const behind = moving.some(
    ({ clientCertificateId }) => clientCertificateId !== unit.next?.clientCertificateId,
  );
  // A stage that came to the old certificate meanwhile moves too, and its backend has not been asked yet.
  run.progress = behind ? NOTHING_PROVED : { ...run.progress, recounted: true };
}

/** After the removal: the new certificate has to be accepted, the old one should be refused. */
async function confirm(run: Run, next: RotationCertificate): Promise<void> {
  const { old } = account(run).unit;
  const { settle, probes: times } = run.request.settings;
  await step(run, 'confirm', next.clientCertificateId, async () => {
    const probes = await probesOf(run);
    const { asWanted, results } = await askUntil(
      run,
      { probes, certificateId: next.clientCertificateId, wanted: 'accepted', times },
      settle,
    );
    if (!asWanted) {
      throw new AppError(
        'NewCertificateRefused',
        `since the old certificate was removed the backend refuses the new one: ${refusalText(results)}`,
        {
          hint: 'look at the trust stores and at what the backend logs',
        },
      );
    }
    if (!old) return { value: undefined, evidence: { accepted: results } };
    const gone = await askUntil(
      run,
      { probes, certificateId: old.clientCertificateId, wanted: 'refused', times: 1 },
      settle,
    );
    if (!gone.asWanted && !run.request.settings.allowUncheckedBackend) {
      warn(
        run,
        'OldCertificateStillAccepted',
        `the backend still accepts the old certificate ${old.clientCertificateId}, which no trust store of this rotation holds any more`,
      );
    }
    return { value: undefined, evidence: { accepted: results, refused: gone.results } };
  });
  run.progress = { ...run.progress, confirmed: true };
}

/** Ends a certificate that was replaced, or made for nothing. One that `--to` named for nothing is only released. */
async function deleteOld(run: Run, certificate: RotationCertificate): Promise<void> {
  const { clientCertificateId, mark } = certificate;
  if (mark?.adopted !== true || clientCertificateId === run.oldId) {
    return deleteCertificate(run, 'delete', certificate);
  }
  await step(run, 'delete', clientCertificateId, async () => {
    await eraseMark(run, certificate);
    return { value: undefined, evidence: { kept: true } };
  });
  run.certificates = run.certificates.filter((known) => known !== certificate);
}

/** Deletes one certificate, for good: its private key exists nowhere else. */
export async function deleteCertificate(
  run: Run,
  name: 'delete' | 'deleteNew',
  { clientCertificateId }: RotationCertificate,
): Promise<void> {
  await step(run, name, clientCertificateId, async () => {
    try {
      await run.deps.gateway.deleteClientCertificate(clientCertificateId);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'RequestRefused') throw await inUse(run, clientCertificateId, error);
      if (error.code !== 'CertificateNotFound') throw error;
    }
    return { value: undefined };
  });
  run.certificates = run.certificates.filter(
    (certificate) => certificate.clientCertificateId !== clientCertificateId,
  );
}

/** AWS refuses to delete what a stage presents, and does not say which one. */
async function inUse(run: Run, id: string, refusal: AppError): Promise<AppError> {
  run.deps.gateway.forget();
  const { stages } = await allStages(run.deps.gateway);
  const users = stages.filter(({ clientCertificateId }) => clientCertificateId === id).map(stageText);
  if (users.length === 0) return refusal;
  return new AppError('CertificateInUse', `${users.join(', ')} presents ${id}, so it cannot be deleted`, {
    hint: 'run the same command again: it moves that stage too',
    cause: refusal,
    details: { stages: users },
  });
}
