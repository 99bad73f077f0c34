import { isAcmVersion } from '../../control-plane/acm-version.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { listText } from '../../platform/list-text.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import type { GateFailure } from './gate-failure.js';
import { managerFailure } from './manager.js';
import type { PublicationView } from './next-step.js';
import type { ProbeChoice } from './probe.js';
import type { RotationSettings } from '../../settings/rotation.js';
import { isOwnedBy, stackFailure, type StackSight } from './stack-gate.js';
import { stageText, type RotationUnit } from './unit.js';

/** What the gates before a rotation look at; gathered once, by reading only. */
export interface GateInput {
  unit: RotationUnit;
  moving: readonly Stage[];
  /** For each moving stage, in the same order. */
  probes: readonly ProbeChoice[];
  trustStores: readonly string[];
  /** Names of the trust stores that this rotation has changed already. */
  changedStores: readonly string[];
  publications: readonly PublicationView[];
  settings: RotationSettings;
  /** What switches the stages, where it is their stack. */
  stack?: StackSight | undefined;
}

type Gate = (input: GateInput) => GateFailure | undefined;

const names = (stages: readonly Stage[]): string => stageIdsText(stages.map(stageText));

/** Without knowing what the backend trusts, the old certificate could never be taken away safely. */
const trustStoreNamed: Gate = ({ trustStores }) =>
  trustStores.length > 0
    ? undefined
    : {
        code: 'TrustStoreMissing',
        message: 'no trust store is specified, so the backend would never accept the new certificate',
        hint: 'add --trust pem-bundle:FILE (or another kind), or --trust manual to get instructions for manual steps',
      };

/** Stores are told apart by their names, in the journal too. */
const trustStoresDiffer: Gate = ({ trustStores }) => {
  const twice = trustStores.find((name, i) => trustStores.indexOf(name) !== i);
  if (twice === undefined) return undefined;
  return {
    code: 'TrustStoreAmbiguous',
    message: `two trust stores have the name ${twice}`,
    hint: 'specify each store once; put all manual steps into the instructions of one "manual" store',
  };
};

/** What a rotation has put somewhere it must be able to take away there. */
const trustStoresRemembered: Gate = ({ trustStores, changedStores, settings }) => {
  const forgotten = changedStores.filter((name) => !trustStores.includes(name));
  if (forgotten.length === 0 || settings.force) return undefined;
  return {
    code: 'TrustStoreMissing',
    message: `this rotation has changed ${listText(forgotten)}, which ${forgotten.length > 1 ? 'are' : 'is'} no longer specified`,
    hint: `specify it as before, with ${forgotten.map((name) => `--trust ${name}`).join(' ')} or in apigw-cert.yaml; if it no longer exists, use --force to continue without it`,
  };
};

/** Its next apply would revert the rotation. Where no stage is to move, that has been accepted before. */
const notManagedElsewhere: Gate = ({ unit: { oldId, old }, moving, settings, stack }) => {
  // An import in place leaves the stages as they are.
  if (moving.length === 0 || isAcmVersion(oldId)) return undefined;
  // What the stack itself switches it does not revert; whether it owns the certificate, its template says.
  const isOwn = ({ tags }: { tags: Stage['tags'] }): boolean =>
    stack !== undefined && isOwnedBy(tags, stack.look.view);
  return managerFailure(
    {
      stages: moving.filter((stage) => !isOwn(stage)),
      certificate: old && !isOwn(old) ? { clientCertificateId: oldId, tags: old.tags } : undefined,
    },
    settings,
  );
};

/** The stack that is to switch the stages can do that, and changes nothing else. */
const switchableByStack: Gate = ({ stack, ...input }) => stack && stackFailure({ ...stack, ...input });

/** API Gateway presents the certificate on https integrations only. Where no stage is to move, none lacks one. */
const presentedAtAll: Gate = ({ moving, probes }) =>
  moving.length === 0 || probes.some((choice) => choice.probes.length + choice.unreached.length > 0)
    ? undefined
    : {
        code: 'NeverPresented',
        message: `${names(moving)} ${moving.length === 1 ? 'has' : 'have'} no HTTP or HTTP_PROXY integration with an https address, so ${moving.length === 1 ? 'its' : 'their'} certificate is never presented`,
        hint: 'no backend receives the certificate: replace it with `apigw-cert generate` and `apigw-cert attach`',
        details: { stages: moving.map(stageText) },
      };

/** Each backend must be asked before its stage is moved. */
const provable: Gate = ({ moving, probes, settings }) => {
  if (settings.allowUnproved) return undefined;
  const unreached = [...new Set(probes.flatMap((choice) => choice.unreached))];
  if (unreached.length === 0) return undefined;
  return {
    code: 'BackendNotProvable',
    message: `no safe GET request reaches ${listText(unreached)} behind ${names(moving)}, so it cannot be verified that the new certificate is accepted there`,
    hint: "specify a safe call: --probe 'GET /health'; or use --allow-unproved to continue without this test",
    details: { stages: moving.map(stageText), backends: unreached },
  };
};

/** One id can be published: where the stages of a target would present different ones, none is true of all. */
const oneIdToPublish: Gate = ({ publications, moving }) => {
  const twice = publications.find(({ name }, i) => publications.findIndex((one) => one.name === name) !== i);
  if (twice !== undefined) {
    return {
      code: 'PublicationAmbiguous',
      message: `${twice.name} is specified twice`,
      hint: 'specify each place once; each target needs its own',
    };
  }
  const mixed = publications.find(({ elsewhere }) => elsewhere.length > 0);
  if (mixed === undefined) return undefined;
  return {
    code: 'PublicationAmbiguous',
    message: `${mixed.name} can hold one ID, but not all stages of its target are rotated together with ${names(moving)}`,
    hint: 'rotate the stages of the target together (without --only-stage), or give each stage a target of its own with its own publication',
    details: { stages: moving.map(stageText) },
  };
};

/**
 * A certificate that failed in use is not tried again by a timer. While stages present it, or its id is published, the
 * way back goes on.
 */
const notRolledBack: Gate = ({ unit: { next }, moving, publications, settings }) =>
  next?.mark?.rolledBack === undefined ||
  settings.force ||
  moving.some(({ clientCertificateId }) => clientCertificateId === next.clientCertificateId) ||
  publications.some(({ holds }) => holds === next.clientCertificateId)
    ? undefined
    : {
        code: 'RolledBackBefore',
        message: `the rotation to ${next.clientCertificateId} was rolled back at ${next.mark.rolledBack}, because the new certificate failed after the switch`,
        hint: 'find out why the backend refused it, then run again with --force; or abort the rotation with --abort',
      };

const GATES: readonly Gate[] = [
  notRolledBack,
  trustStoreNamed,
  trustStoresDiffer,
  trustStoresRemembered,
  oneIdToPublish,
  presentedAtAll,
  switchableByStack,
  notManagedElsewhere,
  provable,
];

/** Before a way back: what is to be taken away has to be known, and where stages move, their backends asked. */
const GATES_BACK: readonly Gate[] = [trustStoreNamed, trustStoresDiffer, trustStoresRemembered];

function firstClosed(gates: readonly Gate[], input: GateInput): GateFailure | undefined {
  for (const gate of gates) {
    const failure = gate(input);
    if (failure) return failure;
  }
  return undefined;
}

/** The first gate that is closed before a rotation, or nothing. */
export const closedGate = (input: GateInput): GateFailure | undefined => firstClosed(GATES, input);

/** The first gate that is closed before a rotation is taken back, or nothing. */
export const closedGateBack = (input: GateInput): GateFailure | undefined =>
  firstClosed(
    input.moving.some(({ clientCertificateId }) => clientCertificateId !== input.unit.oldId)
      ? [...GATES_BACK, switchableByStack, provable]
      : GATES_BACK,
    input,
  );
