import { viewKey } from '../../../certificates/trust-entry.js';
import { counted } from '../../../platform/counted.js';
import { printable } from '../../../platform/printable.js';
import type { FollowStatus } from './rules.js';

const versionText = ({ listVersion }: FollowStatus): string =>
  listVersion === undefined ? 'a list without a version' : `version ${listVersion} of the list`;

/** What a follower has live, for a person. */
export function statusText(status: FollowStatus, changed: boolean): string {
  const { trustStore, fingerprintsSha256, authorities = [], notInList = [], since } = status;
  const name = printable(trustStore);
  if (fingerprintsSha256 === undefined) return `${name}: it is not known what its server trusts`;
  const roots = authorities.length === 0 ? '' : ` and ${counted(authorities.length, 'root')} with a name`;
  const what = `${counted(fingerprintsSha256.length, 'certificate')}${roots}, ${versionText(status)}`;
  const lines = [
    changed ? `${name}: applied ${what}` : `${name}: ${what}, since ${since ?? ''}`,
    ...[...fingerprintsSha256, ...authorities.map(viewKey)].map(
      (key) => `  ${printable(key)}${notInList.includes(key) ? ' (not in the list)' : ''}`,
    ),
  ];
  return lines.join('\n');
}

/** What is said of certificates that the list does not have. */
export const NOT_IN_LIST =
  'certificates that are not in the list were kept, because a list without a version may be an old one: publish the list with apigw-cert, or use --allow-older to remove them';
