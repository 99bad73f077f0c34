/** What of a target works without a machine: no files, no programs, nobody at a terminal. */
import { AppError } from '../platform/errors.js';
import type { RotationJob, TrustDescription } from '../rotation/engine/jobs.js';
import { listText } from '../platform/list-text.js';
import { isServicePublication } from '../settings/publication.js';
import { parseReportPlace } from '../settings/report-place.js';
import { commandOf, TRUST_KINDS, trustKind } from '../trust/kinds/index.js';

const services = TRUST_KINDS.flatMap(({ name, isService, serviceForm }) =>
  isService === undefined ? [] : [serviceForm ?? name],
);

function whyNotTrust(description: TrustDescription): string | undefined {
  const kind = trustKind(description.kind);
  if (kind?.isService?.(description) !== true)
    return `the trust store kind "${description.kind}" needs a machine`;
  const option = commandOf(kind, description);
  return option && `"${option}" of the trust store "${description.kind}" runs a command`;
}

/** As much of a job as decides it. */
type Judged = Pick<RotationJob, 'trust' | 'hooks' | 'publish' | 'acknowledge'> & {
  others: readonly Pick<RotationJob, 'trust' | 'acknowledge'>[];
  publishing: readonly Pick<RotationJob, 'publish'>[];
};

/**
 * Every reason why a job cannot be done by a function. A stack that switches the stages is none: a round that ends amid its
 * update is continued by the next one, which waits for the stack first.
 */
function whyNot({ trust, others, hooks, publish, publishing, acknowledge }: Judged): string[] {
  const stores = [...trust, ...others.flatMap((other) => other.trust)];
  const hook = Object.keys(hooks).find((name) => name !== 'timeout');
  const places = [...publish, ...publishing.flatMap((target) => target.publish)];
  const reports = [acknowledge, ...others.map((other) => other.acknowledge)];
  const folder = reports.find((one) => one && parseReportPlace(one.reports).kind === 'folder');
  const place = places.find((entry) => !isServicePublication(entry));
  return [
    ...stores.flatMap((description) => whyNotTrust(description) ?? []),
    ...(hook === undefined ? [] : [`the hook "${hook}" runs a command`]),
    ...(folder === undefined ? [] : [`the reports of "acknowledge" are in the folder "${folder.reports}"`]),
    ...(place === undefined ? [] : [`"publish" with the kind "${place.kind}" needs a machine`]),
  ];
}

/**
 * Refuses a job that could not be completed here, before anything is begun.
 * @throws AppError `MachineNeeded`
 */
export function assertSuitable(job: Judged): void {
  const [reason, ...more] = new Set(whyNot(job));
  if (reason === undefined) return;
  throw new AppError('MachineNeeded', [reason, ...more].join('; '), {
    hint: `use a trust store of the kind ${listText(services)} without commands, or rotate this target on a machine with \`apigw-cert rotate\``,
  });
}
