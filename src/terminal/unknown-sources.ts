import { accountRegionOf, accountRegionText } from '../control-plane/account-text.js';
import type { AwsFleet } from '../control-plane/aws-fleet.js';
import { EXIT } from '../platform/errors.js';
import { sourceName } from '../settings/accounts.js';
import type { SourceRow } from '../control-plane/fleet-view.js';
import { printable } from '../platform/printable.js';
import type { Output } from './output.js';

/** Says which account and Region a result is about, where it is one; several have columns of their own. */
export async function sayWhereRead(
  sources: readonly SourceRow[],
  fleet: Pick<AwsFleet, 'callerOf'>,
  out: Output,
): Promise<void> {
  const [only] = sources;
  if (only?.state !== 'read' || sources.length > 1) return;
  const caller = await fleet.callerOf(only);
  // Without a profile the credentials alone say whose it is.
  const name = only.account === 'default' ? undefined : only.account;
  if (caller !== undefined) out.where(accountRegionText(accountRegionOf(caller, name)));
}

/** Says which sources and certificates are missing from a result, which is then a failure: what was not seen is not all well. */
export async function reportUnknown(
  sources: readonly SourceRow[],
  fleet: Pick<AwsFleet, 'callerOf'>,
  out: Output,
): Promise<void> {
  await sayWhereRead(sources, fleet, out);
  const unknown = sources.filter(({ state }) => state === 'unknown');
  for (const { account, region, error } of unknown) {
    out.warn(
      `${printable(sourceName({ account, region }))} could not be read: ${printable(error?.message ?? '')}`,
    );
  }
  const unreadable = sources.flatMap((source) => source.unreadable ?? []);
  for (const id of unreadable) out.warn(`the certificate ${printable(id)} cannot be read and is omitted`);
  if (unknown.length + unreadable.length > 0) out.exitWith(EXIT.failed);
}
