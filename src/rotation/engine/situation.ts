import { callsKey } from '../rules/calls.js';
import { isAcmVersion } from '../../control-plane/acm-version.js';
import { dueAt } from '../../certificates/expiry.js';
import { keepOldOf } from '../../control-plane/marks.js';
import type { Situation } from '../rules/next-step.js';
import { lastPresented, openWrites, presentedBefore, type OpenWrite } from '../rules/presentation.js';
import type { RotationRecord } from '../rules/record.js';
import { stageByStage } from '../rules/switch-record.js';
import { stageText } from '../rules/unit.js';
import { acknowledgersOf } from './acknowledge.js';
import { deletedCertificates, lookAtStores } from './look.js';
import type { AccountView } from './observe.js';
import { lookAtPublications } from './publications.js';
import { probesOf } from './prove.js';
import { acmCertificateOf } from './acm.js';
import { account, acmReading, deploymentText, trustedElsewhere, type Run } from './run.js';

/** All that the next step depends on; looks at the trust stores, not at AWS. */
export async function situation(run: Run): Promise<Situation> {
  const view = account(run);
  const { unit } = view;
  const { deps, request, rotationId, goal, since, stages, oldId } = run;
  const records = stageByStage(run.records);
  const { sightings } = deps.account;
  const { settings } = request;
  const now = deps.now();
  const successors = run.certificates.flatMap(({ mark, clientCertificateId }) =>
    mark?.replaces === oldId ? [clientCertificateId] : [],
  );
  const evidence = { unit, stages, sightings, records, successors, soak: settings.soak, now };
  const last = lastPresented(evidence, view.moving);
  const deleted = deletedCertificates(run);
  const certificates = [unit.old, unit.next, ...unit.spares, ...deleted].filter((one) => one !== undefined);
  const adoptable = run.certificates.find(
    ({ clientCertificateId }) => clientCertificateId === (request.to ?? run.importedArn),
  );
  const { importing, inPlace } = request;
  return {
    now,
    since,
    goal,
    rotationId,
    ...view,
    stores: await lookAtStores(run),
    publications: await lookAtPublications(run),
    deleted,
    trustedElsewhere: trustedElsewhere(run),
    switchedAt: last.switchedAt,
    keptFrom: last.keptFrom,
    lastPresented: new Map(certificates.map((one) => [one.clientCertificateId, last.of(one)])),
    presentedBefore: presentedBefore(evidence),
    unsettled: unsettled(run, records, now),
    calls: callsKey(await probesOf(run)),
    redeployed: await redeployedStages(run, view),
    acknowledges: acknowledgersOf(run).length > 0,
    progress: run.progress,
    settings: { ...settings, keepOld: keepOld(run, view, last.keptFrom) },
    ...(adoptable ? { adoptable } : {}),
    ...(isAcmVersion(oldId) && inPlace?.previous === undefined ? { losesOld: true } : {}),
    ...(importing ? { importable: acmCertificateOf(importing.acm, {}, acmReading(run)) } : {}),
  };
}

/** Until when writes of this rotation without an answer may take effect. One dated later counts from the run's start. */
function unsettled(
  { since, request }: Run,
  records: readonly RotationRecord[],
  now: Date,
): Situation['unsettled'] {
  const open = openWrites(records);
  const until = (...steps: OpenWrite['step'][]): Date => {
    const times = open.flatMap(({ step, at }) => {
      if (!steps.includes(step)) return [];
      const time = Date.parse(at);
      return [(time > now.getTime() ? since.getTime() : time) + request.settings.inFlight];
    });
    return new Date(Math.max(0, ...times));
  };
  return {
    switches: until('switch', 'rollBack'),
    generation: until('generate', 'adopt'),
    release: until('release'),
  };
}

/**
 * How long the old certificate is kept, in milliseconds from the last move: as this run is told, or else as the mark and
 * the journal remember that an earlier one was. `--force` ends what was only remembered, and the day on which the new one
 * is due itself ends any.
 */
function keepOld({ records, request }: Run, { unit }: AccountView, from: Date): number {
  const { settings } = request;
  const promised = records.findLast((entry) => entry.type === 'kept');
  const since = (until: Date): number => Math.max(0, until.getTime() - from.getTime());
  const remembered = promised
    ? since(new Date(promised.until))
    : ((unit.next?.mark && keepOldOf(unit.next.mark)) ?? 0);
  const wanted = settings.keepOld ?? (settings.force ? 0 : remembered);
  return unit.next ? Math.min(wanted, since(dueAt(unit.next.trusted, settings.renewBefore))) : wanted;
}

/** The stages that need no deployment any more, as far as that is asked for at all. */
async function redeployedStages(run: Run, { unit: { next }, moving }: AccountView): Promise<string[]> {
  if (run.request.settings.redeploy === 'never') return [];
  const isForward = run.goal === 'rotate';
  if (!next) return isForward ? [] : moving.map(stageText);
  const id = next.clientCertificateId;
  // A change of a WebSocket API's stage takes effect by itself, and what its deployment would publish is not looked at.
  const deployed = moving.filter(({ protocolType }) => protocolType !== undefined).map(stageText);
  for (const stage of moving) {
    if (stage.protocolType !== undefined || (isForward && stage.clientCertificateId !== id)) continue;
    const text =
      run.deployments.get(stage.deploymentId) ??
      (await run.deps.controlPlane.getDeployment(stage.restApiId, stage.deploymentId)).description;
    run.deployments.set(stage.deploymentId, text);
    if ((text === deploymentText(id)) === isForward) deployed.push(stageText(stage));
  }
  return deployed;
}
