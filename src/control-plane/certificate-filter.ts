import type { CertificateRow } from './fleet-view.js';
import type { NamedStage } from './named-stage.js';

/** Which certificates are meant; what is absent does not narrow. */
export interface CertificateFilter {
  ids?: readonly string[];
  /** All of these, with these values. */
  tags?: Readonly<Record<string, string>>;
  /** Part of the description, in any case. */
  description?: string;
  /** Name or id of an API whose stages present it. */
  api?: string;
  /** Name of a stage that presents it, or `api/stage`. */
  stage?: string;
  /** Whether a stage presents it. A certificate whose use is not known passes for one in use. */
  use?: 'inUse' | 'unused';
}

/** Whether answering the filter needs to know which stages present what. */
export function filterNeedsUsage({ api, stage, use }: CertificateFilter): boolean {
  return api !== undefined || stage !== undefined || use !== undefined;
}

export function matchesFilter(certificate: CertificateRow, filter: CertificateFilter): boolean {
  const { ids = [], tags = {}, description, api, stage, use } = filter;
  const { clientCertificateId, usedBy } = certificate;
  if (ids.length > 0 && !ids.includes(clientCertificateId)) return false;
  if (Object.entries(tags).some(([key, value]) => certificate.tags[key] !== value)) return false;
  if (
    description !== undefined &&
    !(certificate.description ?? '').toLowerCase().includes(description.toLowerCase())
  )
    return false;
  if (usedBy === undefined) return use !== 'unused';
  if (use !== undefined && usedBy.length > 0 !== (use === 'inUse')) return false;
  if (api === undefined && stage === undefined) return true;
  return usedBy.some((use) => matchesStage(use, filter));
}

/** Whether a stage is what the filter asks for, as far as that is about stages. */
export function matchesStage(
  { restApiId, apiName, stageName }: NamedStage,
  { api, stage }: CertificateFilter,
): boolean {
  return (
    (api === undefined || api === restApiId || api === apiName) &&
    (stage === undefined ||
      [stageName, `${restApiId}/${stageName}`, `${apiName}/${stageName}`].includes(stage))
  );
}
