import type { Integration, RestApi, StagePresentation, StageRef } from './api-gateway.js';
import { certificateView, type CertificateView } from './certificate-view.js';
import { AppError } from '../platform/errors.js';
import type { ExpiryThresholds } from '../certificates/expiry.js';
import { CLOCK_TOLERANCE_MS, type SourceReading } from './source-reading.js';
import type { OpenSource } from './fleet-port.js';
import type { ControlPlane } from './control-plane.js';
import { isAcmArn } from './inventory.js';
import { certificateOf } from './read-certificate.js';
import type { SourceProgress } from './read-fleet.js';
import { allPresentations } from './stages.js';

/** What is to be read beside the certificates, which cost one call. */
export interface ReadingWish {
  /**
   * Which stages present what: one call, and one an API. `ifNeeded`: when `needsUsage` says so of the certificates.
   */
  usage: 'never' | 'ifNeeded' | 'always';
  needsUsage?: (certificates: readonly CertificateView[]) => boolean;
  /** Which integrations there are: one more call an API, at 5 in 2 seconds. */
  integrations: boolean;
  thresholds: ExpiryThresholds;
  /** Certificates that are to be read by their ids; those of ACM are read whether or not a stage presents them. */
  ids?: readonly string[];
}

/** Reads an account and Region once, with the fewest calls that answer what is asked. */
export async function readSource(
  open: Pick<OpenSource, 'controlPlane' | 'clockOffsetMs' | 'accountId'>,
  { usage, needsUsage = () => false, integrations, thresholds, ids = [] }: ReadingWish,
  now: () => Date,
  progress?: SourceProgress,
): Promise<SourceReading> {
  const { controlPlane, clockOffsetMs } = open;
  const raw = await controlPlane.getClientCertificates();
  const at = trueTime(now(), clockOffsetMs());
  const certificates: CertificateView[] = [];
  const unreadable: SourceReading['unreadable'][number][] = [];
  for (const certificate of raw) {
    try {
      certificates.push(certificateView(certificateOf(certificate), at, thresholds));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Whoever lists it names the certificate.
      const { message } = error.cause instanceof AppError ? error.cause : error;
      unreadable.push({ clientCertificateId: certificate.clientCertificateId, message });
    }
  }
  certificates.sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
  const reading = { readAt: at, certificates, unreadable };
  const acmOf = async (stages: readonly StagePresentation[]): Promise<Pick<SourceReading, 'acm'>> => {
    const presented = stages.map(({ clientCertificateId = '' }) => clientCertificateId);
    const arns = [...new Set([...ids, ...presented].filter(isAcmArn))];
    if (arns.length === 0) return {};
    progress?.expect(arns.length);
    const { readAcm } = await import('./read-acm.js');
    const acm = await Promise.all(
      arns.map(async (arn) => {
        const found = await readAcm(open, arn, at, thresholds);
        progress?.done();
        return found;
      }),
    );
    return { acm };
  };
  if (usage === 'never' || (usage === 'ifNeeded' && !needsUsage(certificates))) {
    return { ...reading, ...(await acmOf([])) };
  }

  try {
    const { apis, stages } = await allPresentations(controlPlane, progress);
    const acm = await acmOf(stages);
    if (!integrations) return { ...reading, ...acm, usage: { apis, stages } };
    return {
      ...reading,
      ...acm,
      usage: { apis, stages, httpsApis: await httpsApis(controlPlane, apis, stages, progress) },
    };
  } catch (error) {
    if (usage === 'always' || !(error instanceof AppError)) throw error;
    return { ...reading, usageError: { code: error.code, message: error.message } };
  }
}

/** A machine whose clock is wrong must not take the end of a certificate for far away: AWS's clock counts then. */
function trueTime(now: Date, offsetMs = 0): Date {
  return Math.abs(offsetMs) > CLOCK_TOLERANCE_MS ? new Date(now.getTime() - offsetMs) : now;
}

/** Ids of the APIs with stages that have at least one integration that would present a certificate. */
async function httpsApis(
  controlPlane: ControlPlane,
  apis: readonly RestApi[],
  stages: readonly StageRef[],
  progress: SourceProgress | undefined,
): Promise<string[]> {
  const deployed = new Set(stages.map(({ restApiId }) => restApiId));
  const asked = apis.filter(({ id }) => deployed.has(id));
  progress?.expect(asked.length);
  const found: string[] = [];
  for (const api of asked) {
    const integrations = await integrationsOf(controlPlane, api).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'StageNotFound') return [];
      throw error;
    });
    if (integrations.some(presents)) found.push(api.id);
    progress?.done();
  }
  return found;
}

async function integrationsOf(
  controlPlane: ControlPlane,
  { id, protocolType }: RestApi,
): Promise<Integration[]> {
  if (protocolType === 'WEBSOCKET') return controlPlane.getWebSocketIntegrations(id);
  const resources = await controlPlane.getResources(id);
  return resources.flatMap(({ methods }) => methods.flatMap(({ integration }) => integration ?? []));
}

/** A URI that begins with a stage variable may turn out to be https. */
function presents({ type, uri = '' }: Integration): boolean {
  return (type === 'HTTP' || type === 'HTTP_PROXY') && !/^http:/i.test(uri);
}
