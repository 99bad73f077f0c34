import type { Certificate } from '../../control-plane/certificate.js';
import { listText } from '../../platform/list-text.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import {
  backendCalls,
  distinctProbes,
  timesCalled,
  type BackendCall,
  type DistinctProbe,
} from '../rules/calls.js';
import {
  choiceOfAll,
  chooseProbes,
  isBackend,
  webSocketChoice,
  type NamedProbe,
  type Probe,
  type ProbeChoice,
} from '../rules/probe.js';
import type { BackendProof, ProofEvidence, ProofResult } from '../rules/proof.js';
import { strangerOf } from '../rules/stranger.js';
import { trustKey } from '../rules/trust-key.js';
import { stageText } from '../rules/unit.js';
import { shownBy, type ShownBy } from './show.js';
import type { ProbeResult } from './test-invoke.js';
import { refusalText } from './ask.js';
import { account, named, warnOnce, type Run } from './run.js';

/** For each stage, how its backends can be asked. One call a page of an API's resources, or of its integrations. */
export async function probeChoices(
  { deps: { controlPlane, probeCalls }, request, choices: known }: Pick<Run, 'deps' | 'request' | 'choices'>,
  stages: readonly Stage[],
): Promise<ProbeChoice[]> {
  const { namedProbes = [] } = request;
  const apis = namedProbes.length > 0 ? await controlPlane.getRestApis() : [];
  const isOf = ({ restApiId }: Stage, { of }: NamedProbe): boolean =>
    of === restApiId || apis.some(({ id, name }) => id === restApiId && name === of);
  const choose = async (stage: Stage): Promise<ProbeChoice> => {
    const { restApiId, protocolType } = stage;
    if (protocolType === 'WEBSOCKET') {
      return webSocketChoice(stage, await controlPlane.getWebSocketIntegrations(restApiId));
    }
    const own = namedProbes.find((named) => isOf(stage, named));
    const others = namedProbes.filter((named) => !isOf(stage, named));
    return chooseProbes(
      stage,
      await controlPlane.getResources(restApiId),
      own ?? probeCalls.get(restApiId),
      others,
    );
  };
  const choices = await Promise.all(
    stages.map(async (stage) => {
      const choice = known.get(stage) ?? (await choose(stage));
      known.set(stage, choice);
      return choice;
    }),
  );
  const backends = choices.flatMap(({ probes, unreached }) => [
    ...probes.map(({ backend }) => backend),
    ...unreached,
  ]);
  const unknown = namedProbes.find(
    (named) =>
      !stages.some((stage) => isOf(stage, named)) &&
      !backends.some((backend) => isBackend(backend, named.of)),
  );
  if (unknown) throw noSuchBackend(unknown, backends);
  return choiceOfAll(choices);
}

function noSuchBackend({ of }: NamedProbe, backends: readonly string[]): AppError {
  return new AppError('ProbeNotFound', `--probe: this rotation has no API or backend ${of}`, {
    hint: `the backends are ${listText([...new Set(backends)].sort()) || 'none'}; specify an API by its name or ID`,
  });
}

/** What the backends of all moving stages are asked by. */
export interface Means {
  calls: DistinctProbe[];
  probes: Probe[];
  unreached: string[];
  /** By what certificates can be shown to them, by their ids; one that cannot be shown is not in it. */
  shown: ReadonlyMap<string, ShownBy>;
}

/** @param certificates those that are to be shown */
export async function meansOf(run: Run, certificates: readonly (Certificate | undefined)[]): Promise<Means> {
  const means = await callsOf(run);
  const shown = new Map<string, ShownBy>();
  for (const certificate of certificates) {
    const by = certificate && (await shownBy(run, means.probes, certificate));
    if (certificate && by) shown.set(certificate.clientCertificateId, by);
  }
  return { ...means, shown };
}

async function callsOf(run: Run): Promise<Omit<Means, 'shown'>> {
  const choices = await probeChoices(run, account(run).moving);
  const calls = distinctProbes(choices.flatMap(({ probes }) => probes));
  const unreached = [...new Set(choices.flatMap((choice) => choice.unreached))];
  return { calls, probes: calls.map(({ probe }) => probe), unreached };
}

/** The probes of all moving stages, each call once. */
export async function probesOf(run: Run): Promise<Probe[]> {
  return (await callsOf(run)).probes;
}

/**
 * The calls that the coming steps make to backends.
 * @param steps the names of these steps, in order
 */
export async function callsToCome(
  run: Run,
  steps: readonly string[],
  goesBack = false,
): Promise<BackendCall[]> {
  const { calls } = await callsOf(run);
  const { old } = account(run).unit;
  const times = timesCalled(steps, {
    tries: run.request.settings.probes,
    hasOld: old !== undefined && old.trusted.notAfter > run.deps.now(),
    hasOther: strangerTo(run) !== undefined,
    goesBack,
  });
  return times === 0 ? [] : backendCalls(calls, times, (stage) => named(run, stage));
}

/** A client certificate that the backends of this rotation have no reason to accept, where the account has one. */
export function strangerTo(run: Run): Certificate | undefined {
  const { certificates, stages, stores, deps } = run;
  if (!stores) return undefined;
  const { oldId, next, spares } = account(run).unit;
  const trusted = new Set(stores.flatMap(({ trusts, mayTrust }) => [...trusts, ...mayTrust]));
  const held = certificates.filter((each) => each.acm !== undefined || trusted.has(trustKey(each)));
  const own = [...(next ? [next] : []), ...spares, ...held].map((each) => each.clientCertificateId);
  return strangerOf(certificates, stages, { excluded: new Set([oldId, ...own]), now: deps.now() });
}

/** What the backends made of one caller. */
export function resultOf(
  caller: Pick<ProofResult, 'caller' | 'certificateId' | 'wanted'>,
  { calls, shown }: Pick<Means, 'calls' | 'shown'>,
  results: readonly ProbeResult[],
): ProofResult {
  const backends = calls.flatMap(({ probe, stages }, i): BackendProof[] => {
    const result = results[i];
    if (!result) return [];
    const { backend, tries, outcome, status, cause } = result;
    const call = `${probe.httpMethod} ${probe.pathWithQueryString}`;
    const provedFor = stages.map(({ stage, ...part }) => ({ stage: stageText(stage), ...part }));
    const detail = cause === undefined ? {} : { detail: cause };
    return [{ backend, stages: provedFor, call, tried: tries, outcome, status, ...detail }];
  });
  const isHandshake = shown.get(caller.certificateId ?? '') === 'handshake';
  return { ...caller, ...(isHandshake ? { by: 'handshake' } : {}), backends };
}

/** A proof as the evidence of its step. */
export const evidenceOf = (
  { unreached }: Pick<Means, 'unreached'>,
  results: readonly (ProofResult | undefined)[],
  {
    gone = [],
    noOther = false,
    untested = [],
  }: { gone?: readonly string[]; noOther?: boolean; untested?: readonly string[] } = {},
): ProofEvidence => ({
  proof: {
    results: results.filter((one) => one !== undefined),
    unreached,
    gone,
    noOther,
    ...(untested.length === 0 ? {} : { untested }),
  },
});

/**
 * A certificate that tells an outage from a refusal: one that is shown in the same way, since what one machine reaches
 * another one may not.
 * @param way of showing what is asked about
 */
const controlOf = (
  { shown }: Means,
  way: ShownBy | undefined,
  candidates: readonly (Certificate | undefined)[],
): { control?: string } => {
  const control = candidates.find((one) => one && shown.get(one.clientCertificateId) === way);
  return control && way ? { control: control.clientCertificateId } : {};
};

/** The question whether all backends accept a certificate. @param control what tells an outage from a refusal */
export const asking = (
  by: Means,
  { clientCertificateId: certificateId }: Certificate,
  times: number,
  control?: Certificate,
) => ({
  probes: by.probes,
  certificateId,
  wanted: 'accepted' as const,
  times,
  ...controlOf(by, by.shown.get(certificateId), [control]),
});

/**
 * The question whether all backends refuse a caller, asked once each.
 * @param controls what tells an outage from a refusal
 * @param way of showing the caller
 */
export const refusing = (
  by: Means,
  controls: readonly (Certificate | undefined)[],
  way: ShownBy = 'testInvoke',
) => ({
  probes: by.probes,
  wanted: 'refused' as const,
  times: 1,
  ...controlOf(by, way, controls),
});

/** Who presents what in a proof. */
export const presenting = (
  caller: ProofResult['caller'],
  { clientCertificateId }: { clientCertificateId: string },
  wanted: ProofResult['wanted'],
): Omit<ProofResult, 'backends'> => ({ caller, certificateId: clientCertificateId, wanted });

/** The proof that a certificate is accepted, where there was anything to call. */
export const acceptedBy = (
  by: Means,
  caller: Pick<ProofResult, 'caller' | 'certificateId' | 'wanted'>,
  results: readonly ProbeResult[],
): ProofResult[] => (by.probes.length === 0 ? [] : [resultOf(caller, by, results)]);

/** The backends whose answer was that one. */
export const names = (results: readonly ProbeResult[], wanted: ProbeResult['outcome']): string[] => [
  ...new Set(results.filter(({ outcome }) => outcome === wanted).map(({ backend }) => backend)),
];

/**
 * An outage is not a refusal: who takes the rotation back for one takes it back for nothing.
 * @param again what a later run does
 */
export function unproved(
  results: readonly ProbeResult[],
  certificateId: string,
  refusal: AppError,
  again = 'the rotation resumes',
): AppError {
  if (results.some(({ outcome }) => outcome === 'refused')) return refusal;
  return new AppError(
    'ProofInconclusive',
    `whether the backends accept ${certificateId} could not be determined: ${refusalText(results)}`,
    {
      hint: `run the same command again when the backends respond: ${again}. If the call itself fails, specify another: --probe "GET /health"`,
    },
  );
}

/**
 * The error for an ACM certificate of which no test shows whether the backends accept it.
 * @param backends those of which the stage's own URL reaches one; absent where there is no URL either
 */
export const notProvable = (arn: string, hint: string, backends?: readonly string[]): AppError =>
  new AppError(
    'BackendNotProvable',
    `AWS makes no test calls with the ACM certificate ${arn}, ${
      backends === undefined
        ? 'so it cannot be verified that the backends accept it'
        : `and --probe-url reaches one of the backends ${listText(backends)}, so it cannot be verified that the others accept it`
    }`,
    { hint, details: { clientCertificateId: arn, ...(backends === undefined ? {} : { backends }) } },
  );

/** What is not known has to be said at least. */
export function warnOfUnreached(run: Run, { unreached }: Means): void {
  if (unreached.length === 0) return;
  warnOnce(
    run,
    'BackendUnproved',
    `no call is made to ${listText(unreached)}, so it is not known whether it accepts the certificates`,
  );
}

/** A certificate of ACM of which only its use shows whether it is accepted. */
export function warnOfUntested(run: Run, { clientCertificateId: id }: Certificate): void {
  const { probeUrl } = run.request;
  const after = probeUrl === undefined ? '' : `; only ${probeUrl} shows it, while the stage presents it`;
  warnOnce(
    run,
    'BackendUnproved',
    `AWS makes no test calls with the ACM certificate ${id}, and its key is not specified, so no test shows whether the backends accept it${after}`,
  );
}

/** A backend that shows neither refusal nor acceptance of somebody whom it should refuse. */
export function warnOfUnclear(run: Run, results: readonly ProbeResult[], caller: string): void {
  const unclear = results.filter(({ outcome }) => outcome === 'unknown');
  if (unclear.length === 0) return;
  const where = listText(names(unclear, 'unknown'));
  warnOnce(
    run,
    'RefusalNotShown',
    `${where} did not show whether it refuses ${caller}: ${refusalText(unclear)}`,
  );
}

/** AWS refuses a call that names a certificate which is deleted; for one that need not exist, this says just that. */
export async function unlessDeleted<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (
      error instanceof AppError &&
      (error.code === 'RequestRefused' || error.code === 'CertificateNotFound')
    )
      return undefined;
    throw error;
  }
}
