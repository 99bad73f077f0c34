import type { ControlPlane } from '../../../control-plane/control-plane.js';
import { apiNamesOf, namedStage, type NamedStage } from '../../../control-plane/named-stage.js';
import { AppError } from '../../../platform/errors.js';
import type { Publication } from '../../../publications/publication.js';
import { apisOf, targetsOf, type RotationJob } from '../../../rotation/engine/jobs.js';
import { publishingOf } from '../../../rotation/engine/request.js';
import { asAppError } from '../../../terminal/output.js';

/**
 * `current`: it holds the id that all stages of the target present. `different`: it holds another one or nothing, or the
 * stages present several. `unknown`: it, or the stages, could not be looked at.
 */
export type PublicationVerdict = 'current' | 'different' | 'unknown';

/** What was found out about one place, or about a target whose stages could not be looked at. */
export interface CheckedPublication {
  target: string;
  /** Such as `ssm:/orders/prod/client-certificate-id`; absent where the target was not reached. */
  publication?: string;
  verdict: PublicationVerdict;
  /** The stages of the target. */
  stages: NamedStage[];
  /** What they present, each once; empty where they present nothing. */
  presented: string[];
  /** The id that is published; absent where there is none, and where that is not known. */
  published?: string;
  error?: { code: string; message: string; hint?: string };
}

export interface PublicationsReport {
  /** The worst: `different` before `unknown` before `current`. */
  verdict: PublicationVerdict;
  items: CheckedPublication[];
}

/** The worst verdict of a list; nothing that was looked at is nothing known. */
function worst(items: readonly CheckedPublication[]): PublicationVerdict {
  const has = (verdict: PublicationVerdict): boolean => items.some((item) => item.verdict === verdict);
  if (has('different')) return 'different';
  return has('unknown') || items.length === 0 ? 'unknown' : 'current';
}

/**
 * Compares what is published with what the stages present, now and by reading alone.
 * @param jobs targets of the configuration; those that publish nothing are left out
 * @param connect the control plane of the account and Region of a job
 */
export async function checkPublications(
  jobs: readonly RotationJob[],
  connect: (job: RotationJob) => Promise<ControlPlane>,
): Promise<PublicationsReport> {
  const items: CheckedPublication[] = [];
  for (const job of jobs.filter(({ publish }) => publish.length > 0)) {
    try {
      items.push(...(await checkTarget(job, await connect(job))));
    } catch (error) {
      items.push({ ...unreached(job), error: partOf(asAppError(error)) });
    }
  }
  return { verdict: worst(items), items };
}

const partOf = ({ code, message, hint }: AppError): NonNullable<CheckedPublication['error']> => ({
  code,
  message,
  ...(hint === undefined ? {} : { hint }),
});

const unreached = ({ target = '' }: RotationJob): CheckedPublication => ({
  target,
  verdict: 'unknown',
  stages: [],
  presented: [],
});

async function checkTarget(job: RotationJob, controlPlane: ControlPlane): Promise<CheckedPublication[]> {
  const { stages } = await targetsOf(controlPlane, job.addresses);
  const [first] = stages;
  if (first === undefined) throw new Error('a target has stages');
  const apis = await apisOf(controlPlane, stages, []);
  const about = { target: first, named: stages, apis, region: controlPlane.region };
  const own = publishingOf(job, about)?.find(({ isOwn }) => isOwn);
  const names = apiNamesOf(apis);
  const common = {
    target: job.target ?? '',
    stages: stages.map((stage) => namedStage(stage, names)),
    presented: [...new Set(stages.flatMap(({ clientCertificateId }) => clientCertificateId ?? []))],
  };
  // A stage that presents nothing differs from one that presents something.
  const isOne = new Set(stages.map(({ clientCertificateId = '' }) => clientCertificateId)).size === 1;
  const publications = (await own?.publications()) ?? [];
  return Promise.all(
    publications.map(async (publication) => ({
      ...common,
      publication: publication.name,
      ...(await compare(publication, isOne ? (common.presented[0] ?? '') : undefined)),
    })),
  );
}

/** @param presented empty where the stages present nothing, `undefined` where they do not present the same */
async function compare(
  publication: Publication,
  presented: string | undefined,
): Promise<Pick<CheckedPublication, 'verdict' | 'published' | 'error'>> {
  try {
    const seen = await publication.observe();
    if (seen.state === 'unobservable') return { verdict: 'unknown' };
    const published = seen.state === 'holds' ? seen.clientCertificateId : '';
    return {
      verdict: published === presented ? 'current' : 'different',
      ...(published === '' ? {} : { published }),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { verdict: 'unknown', error: partOf(error) };
  }
}
