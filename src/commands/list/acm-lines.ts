import type { ChalkInstance } from 'chalk';
import type { CertificateRow } from '../../control-plane/fleet-view.js';
import { lifeText } from '../../findings/formats/time-text.js';
import { listText } from '../../platform/list-text.js';
import { printable } from '../../platform/printable.js';
import { sourceName } from '../../settings/accounts.js';
import { acmText } from '../../terminal/acm-text.js';
import { stageText } from '../../terminal/stage-options.js';

/**
 * The certificates of ACM, a paragraph each: their ARNs are too long for a table.
 * @param isOne whether there is only one account and Region
 */
export function acmLines(items: readonly CertificateRow[], isOne: boolean, style: ChalkInstance): string[] {
  return items.flatMap((item) => {
    const { acm, clientCertificateId, usedBy = [] } = item;
    if (acm === undefined) return [];
    return [
      '',
      `${isOne ? '' : `${printable(sourceName(item))}: `}${printable(clientCertificateId)}`,
      `  ${lifeText(item, style)}; ${acmText(acm)}`,
      `  presented by ${listText(usedBy.map(stageText))}`,
    ];
  });
}
