import { listText } from '../../platform/list-text.js';
import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { Listing } from '../../control-plane/list.js';
import type { CertificateRow } from '../../control-plane/fleet-view.js';
import { sourceName } from '../../settings/accounts.js';
import { printable } from '../../platform/printable.js';
import { action, command } from '../../terminal/command.js';
import { addFleetOptions, fleetFor, type FleetOptions } from '../../terminal/fleet-options.js';
import { counted } from '../../platform/counted.js';
import { lifeBar } from '../../terminal/life.js';
import { addReportOptions } from '../../terminal/output-option.js';
import { withProgress } from '../../terminal/progress.js';
import { stageText } from '../../terminal/stage-options.js';
import { statusText, timeText } from '../../findings/formats/time-text.js';
import { reportUnknown } from '../../terminal/unknown-sources.js';
import { writeResult } from '../../terminal/write-result.js';

/** One certificate on all stages of a company must not push the rest of the table off the screen. */
const SHOWN_STAGES = 3;

/** Of `2026-12-19T14:18:55Z`: beside the stages there is no room for more. */
const DATE_LENGTH = 10;
/** Of a terminal that does not say how wide it is, and of none. */
const DEFAULT_COLUMNS = 80;

const FORMATS = ['text', 'json', 'csv'] as const;

interface Options extends FleetOptions {
  usage?: boolean;
  output: (typeof FORMATS)[number];
  outFile?: string;
}

export function listCommand(): Command {
  const made = command('list', 'List client certificates, soonest expiry first').option(
    '--usage',
    'also show the stages that present each, which are unused, and the remaining quota',
  );
  addReportOptions(made, FORMATS);
  return addFleetOptions(made).action(
    action<Options>(async ({ options, out, now }) => {
      const { usage = false } = options;
      const { fleet, accounts } = await fleetFor(options);
      const { list } = await import('../../control-plane/list.js');
      const listing = await withProgress(options, (progress) =>
        list(fleet, accounts, { usage }, now, progress),
      );
      const { table } = await import('../../terminal/table.js');
      const { sources, items, elsewhere } = listing;
      const generated = items.filter(({ acm }) => acm === undefined);
      await reportUnknown(sources, fleet, out);
      const texts = {
        json: () => JSON.stringify({ sources, items, ...(usage ? { elsewhere } : {}) }, null, 2),
        csv: async () => (await import('../../findings/formats/certificates-csv.js')).csvFormat(items),
        text: async () => {
          const lines =
            generated.length === 0
              ? `no client certificates in ${listText(sources.map(({ region }) => region))}`
              : certificatesTable({ ...listing, items: generated }, usage, now(), table, out.style);
          return [lines, ...(usage ? await usageLines(listing, out.style) : [])].join('\n');
        },
      };
      await writeResult(out, await texts[options.output](), options.outFile);
    }),
  );
}

function certificatesTable(
  { sources, items }: Listing,
  usage: boolean,
  now: Date,
  table: (head: readonly string[], rows: readonly (readonly string[])[], width?: number) => string,
  style: ChalkInstance,
): string {
  const several = sources.length > 1;
  const users = ({ usedBy = [] }: CertificateRow): string =>
    usedBy.length === 0
      ? style.yellow('unused')
      : [
          ...usedBy.slice(0, SHOWN_STAGES).map(stageText),
          ...(usedBy.length > SHOWN_STAGES ? [`and ${usedBy.length - SHOWN_STAGES} more`] : []),
        ].join(', ');
  return table(
    [
      'ID',
      'STATUS',
      'DAYS',
      ...(usage ? [] : ['VALIDITY']),
      'EXPIRES',
      ...(several ? ['ACCOUNT', 'REGION'] : []),
      ...(usage ? ['PRESENTED BY'] : []),
      'DESCRIPTION',
    ],
    items.map((item) => [
      printable(item.clientCertificateId),
      statusText(item.status, style),
      String(item.daysLeft),
      ...(usage ? [] : [lifeBar(item, now, style)]),
      usage ? timeText(item.notAfter).slice(0, DATE_LENGTH) : timeText(item.notAfter),
      ...(several ? [printable(item.account), item.region] : []),
      ...(usage ? [users(item)] : []),
      printable(item.description ?? ''),
    ]),
    usage ? (process.stdout.isTTY ? process.stdout.columns : DEFAULT_COLUMNS) : undefined,
  );
}

async function usageLines({ sources, items, elsewhere }: Listing, style: ChalkInstance): Promise<string[]> {
  const read = sources.filter(({ state }) => state === 'read');
  const isShown = new Set(items.map(({ clientCertificateId }) => clientCertificateId));
  return [
    '',
    ...read.map(
      ({ account, region, certificates = 0, unused = 0, quotaLeft = 0 }) =>
        `${read.length > 1 ? `${printable(account)}/${region}: ` : ''}${counted(certificates, 'certificate')}, ` +
        `${unused} unused; the default quota leaves room for ${quotaLeft} more`,
    ),
    ...(items.some(({ acm }) => acm !== undefined)
      ? (await import('./acm-lines.js')).acmLines(items, read.length === 1, style)
      : []),
    ...elsewhere
      .filter((use) => !isShown.has(use.clientCertificateId))
      .map(
        (use) =>
          `${read.length > 1 ? `${printable(sourceName(use))}: ` : ''}${stageText(use)} presents ${printable(use.clientCertificateId)}, ` +
          (use.kind === 'acm' ? 'an ACM certificate that could not be read' : 'which does not exist'),
      ),
  ];
}
