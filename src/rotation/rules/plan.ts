import { isAcmVersion } from '../../control-plane/acm-version.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { Mark } from '../../control-plane/marks.js';
import {
  acknowledgeKey,
  nextStep,
  proofKey,
  type Situation,
  type Step,
  type StoreView,
} from './next-step.js';
import { trustKey } from './trust-key.js';
import { stageText, type RotationUnit } from './unit.js';

/** Stands for the certificate that a dry run does not make. */
const PLACEHOLDER_ID = '(new)';

const newMark = ({ rotationId, unit: { oldId, old } }: Situation): Mark => ({
  rotationId,
  replaces: oldId,
  ...(old ? { replacesSha256: old.trusted.fingerprintSha256 } : {}),
});

function placeholder(situation: Situation): Certificate {
  const {
    unit: { old },
    now,
  } = situation;
  const facts = {
    subject: '',
    issuer: '',
    serialNumber: '',
    notBefore: now,
    notAfter: new Date(now.getTime() + 365 * 86_400_000),
    fingerprintSha256: PLACEHOLDER_ID,
    fingerprintSha1: '',
    spkiPin: '',
    pem: '',
  };
  return {
    clientCertificateId: PLACEHOLDER_ID,
    createdDate: now,
    expirationDate: facts.notAfter,
    pemEncodedCertificate: '',
    tags: old?.tags ?? {},
    trusted: facts,
    mark: newMark(situation),
  };
}

/** What the world would look like after a step that went well. */
export function afterStep(situation: Situation, step: Step): Situation {
  const { unit, now, calls } = situation;
  const proves = (progress: Partial<Situation['progress']>): Situation => ({
    ...situation,
    progress: { ...situation.progress, ...progress },
  });
  const inStore = (name: string, change: (store: StoreView) => Partial<StoreView>): StoreView[] =>
    situation.stores.map((store) => (store.name === name ? { ...store, ...change(store) } : store));
  switch (step.kind) {
    case 'generate':
      return { ...situation, unit: { ...unit, next: placeholder(situation) } };
    case 'import':
      return { ...situation, ...(situation.importable ? { adoptable: situation.importable } : {}) };
    case 'adopt': {
      const mark = { ...newMark(situation), adopted: true };
      return { ...situation, unit: { ...unit, next: { ...step.certificate, mark } } };
    }
    case 'withdraw': {
      const { certificate } = step;
      const { mark } = certificate;
      const after = (one: Certificate): Certificate =>
        one === certificate && mark ? { ...one, mark: { ...mark, withdrawn: now.toISOString() } } : one;
      return {
        ...situation,
        unit: {
          ...unit,
          ...(unit.next ? { next: after(unit.next) } : {}),
          spares: unit.spares.map(after),
        },
      };
    }
    case 'trust': {
      const key = trustKey(step.certificate);
      const stores = inStore(step.store, ({ trusts, mayTrust, added }) => ({
        trusts: [...trusts, key],
        mayTrust: [...mayTrust, key],
        added: [...added, key],
      }));
      return { ...situation, stores };
    }
    case 'untrust': {
      const key = trustKey(step.certificate);
      const without = (list: readonly string[]): string[] => list.filter((one) => one !== key);
      const stores = inStore(step.store, ({ trusts, mayTrust }) => ({
        trusts: without(trusts),
        mayTrust: without(mayTrust),
      }));
      return { ...situation, stores };
    }
    case 'acknowledge':
      return proves({ acknowledged: acknowledgeKey(step.wanted, step.certificates) });
    case 'preflight':
      return proves({ proved: proofKey(step.to.clientCertificateId, calls) });
    case 'recheck':
      return proves({ checked: true });
    case 'switch': {
      const { clientCertificateId } = step.to;
      // An import reaches all of them.
      const reached = isAcmVersion(clientCertificateId) ? situation.moving : step.stages;
      const switched = new Set(reached.map(stageText));
      const lost = situation.losesOld === true && step.to !== unit.old ? unit.old : undefined;
      const moving = situation.moving.map((stage) =>
        switched.has(stageText(stage)) ? { ...stage, clientCertificateId } : stage,
      );
      const left = step.stages.flatMap(({ clientCertificateId: before }) => before ?? []);
      return {
        ...proves({ checked: false }),
        ...(lost ? ended(situation, lost) : {}),
        moving,
        switchedAt: now,
        keptFrom: now,
        lastPresented: new Map([...situation.lastPresented, ...left.map((before) => [before, now] as const)]),
        presentedBefore: new Set([...situation.presentedBefore, clientCertificateId]),
      };
    }
    case 'redeploy':
      return {
        ...situation,
        redeployed: [...situation.redeployed, stageText(step.stage)],
        switchedAt: now,
        keptFrom: now,
      };
    case 'publish': {
      const publications = situation.publications.map((view) =>
        view.name === step.publication ? { ...view, holds: step.clientCertificateId, isKnown: true } : view,
      );
      return { ...situation, publications };
    }
    case 'verifySwitch':
      return proves({ verified: proofKey(step.next.clientCertificateId, calls) });
    case 'soak':
    case 'settle':
    case 'keep':
      return { ...situation, now: step.until };
    case 'verifyUnused':
      return proves({ recounted: true });
    case 'verifyRemoval':
      return proves({ confirmed: true });
    case 'delete':
      return {
        ...situation,
        unit: without(unit, step.certificate),
        deleted: [...situation.deleted, step.certificate],
      };
    case 'retire': {
      const { next } = unit;
      const retired = now.toISOString();
      const { deleted, unit: left } = ended(situation, step.certificate);
      return {
        ...proves({ recounted: false }),
        unit: { ...left, ...(next?.mark ? { next: { ...next, mark: { ...next.mark, retired } } } : {}) },
        deleted,
      };
    }
    case 'release':
      return { ...situation, unit: without(unit, step.certificate) };
    case 'finish': {
      const { mark } = step.certificate;
      if (!mark) return situation;
      const finished = { ...mark };
      delete finished.replacesSha256;
      return { ...situation, unit: { ...unit, next: { ...step.certificate, mark: finished } } };
    }
    case 'stageChanged':
    case 'impossible':
    case 'inUse':
    case 'stillPublished':
    case 'done':
      return situation;
  }
}

/** One of ACM is not presented any more, and never again. What the new one is trusted by as well does not end. */
function ended({ unit, deleted }: Situation, one: Certificate): Pick<Situation, 'unit' | 'deleted'> {
  const isShared = unit.next !== undefined && trustKey(unit.next) === trustKey(one);
  return { unit: without(unit, one), deleted: isShared ? deleted : [...deleted, one] };
}

function without(unit: RotationUnit, { clientCertificateId }: Certificate): RotationUnit {
  const isIt = (one: Certificate | undefined): boolean => one?.clientCertificateId === clientCertificateId;
  const { oldId, old, next, spares } = unit;
  return {
    oldId,
    ...(old && !isIt(old) ? { old } : {}),
    ...(next && !isIt(next) ? { next } : {}),
    spares: spares.filter((one) => !isIt(one)),
  };
}

/** The steps that a rotation ends with, or cannot go on after. */
export type LastStep = Extract<Step, { kind: (typeof LAST)[number] }>;

const LAST = ['done', 'stageChanged', 'impossible', 'inUse', 'stillPublished'] as const;

export const isLast = (step: Step): step is LastStep => (LAST as readonly string[]).includes(step.kind);

/** More than are ever needed. */
const mostSteps = ({ moving, stores }: Situation): number => 500 + 4 * moving.length + 20 * stores.length;

/**
 * The steps from a situation to the end, if each goes well, and what it ends with.
 * @throws Error where there is no end, instead of looking for it for ever
 */
export function planSteps(situation: Situation): { steps: Step[]; last: LastStep } {
  const steps: Step[] = [];
  for (let current = situation; ;) {
    const step = nextStep(current);
    if (isLast(step)) return { steps, last: step };
    steps.push(step);
    if (steps.length > mostSteps(situation)) throw new Error(`a plan without an end, at ${step.kind}`);
    current = afterStep(current, step);
  }
}
