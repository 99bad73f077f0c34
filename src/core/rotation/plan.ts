import { nextStep, type Situation, type Step, type StoreView } from './next-step.js';
import { stageText, type RotationCertificate } from './unit.js';

/** Stands for the certificate that a dry run does not make. */
const PLACEHOLDER_ID = '(new)';

function placeholder({ unit: { old }, now }: Situation): RotationCertificate {
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
  };
}

/** What the world would look like after a step that went well. */
export function afterStep(situation: Situation, step: Step): Situation {
  const proves = (progress: Partial<Situation['progress']>): Situation => ({
    ...situation,
    progress: { ...situation.progress, ...progress },
  });
  const inStore = (name: string, change: (trusts: readonly string[]) => readonly string[]): StoreView[] =>
    situation.stores.map((store) =>
      store.name === name
        ? { ...store, trusts: change(store.trusts), mayTrust: change(store.mayTrust) }
        : store,
    );
  switch (step.kind) {
    case 'generate':
      return { ...situation, unit: { ...situation.unit, next: placeholder(situation) } };
    case 'trust': {
      const { fingerprintSha256 } = step.certificate.trusted;
      return { ...situation, stores: inStore(step.store, (trusts) => [...trusts, fingerprintSha256]) };
    }
    case 'untrust': {
      const { fingerprintSha256 } = step.certificate.trusted;
      const stores = inStore(step.store, (trusts) =>
        trusts.filter((trusted) => trusted !== fingerprintSha256),
      );
      return { ...situation, stores };
    }
    case 'prove':
      return proves({ proved: true });
    case 'check':
      return proves({ checked: true });
    case 'switch': {
      const { clientCertificateId } = step.next;
      const moving = situation.moving.map((stage) =>
        stageText(stage) === stageText(step.stage) ? { ...stage, clientCertificateId } : stage,
      );
      return { ...situation, moving, switchedAt: situation.now };
    }
    case 'redeploy':
      return { ...situation, redeployed: [...situation.redeployed, stageText(step.stage)] };
    case 'verify':
      return proves({ verified: true });
    case 'soak':
    case 'keep':
      return { ...situation, now: step.until };
    case 'recount':
      return proves({ recounted: true });
    case 'confirm':
      return proves({ confirmed: true });
    case 'delete': {
      const { old, ...unit } = situation.unit;
      const deletesOld = old?.clientCertificateId === step.certificate.clientCertificateId;
      return {
        ...situation,
        unit: {
          ...unit,
          ...(old && !deletesOld ? { old } : {}),
          spares: unit.spares.filter((spare) => spare !== step.certificate),
        },
      };
    }
    case 'stageChanged':
    case 'done':
      return situation;
  }
}

/** The steps from a situation to the end, if each goes well. */
export function planSteps(situation: Situation): Step[] {
  const steps: Step[] = [];
  for (let current = situation; ;) {
    const step = nextStep(current);
    if (step.kind === 'done' || step.kind === 'stageChanged') return steps;
    steps.push(step);
    current = afterStep(current, step);
  }
}
