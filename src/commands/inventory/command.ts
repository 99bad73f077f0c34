import type { Command } from 'commander';
import type { ChalkInstance } from 'chalk';
import type { Listing } from '../../control-plane/list.js';
import type { SourceRow, StageRow } from '../../control-plane/fleet-view.js';
import { printable } from '../../platform/printable.js';
import { action, command } from '../../terminal/command.js';
import { renamedOption } from '../../terminal/deprecated.js';
import { addFleetOptions, fleetFor, type FleetOptions } from '../../terminal/fleet-options.js';
import { csvText, type Column } from '../../findings/formats/csv-text.js';
import { addReportOptions } from '../../terminal/output-option.js';
import { withProgress } from '../../terminal/progress.js';
import { statusText, timeText } from '../../findings/formats/time-text.js';
import { reportUnknown } from '../../terminal/unknown-sources.js';
import { writeResult } from '../../terminal/write-result.js';

const FORMATS = ['text', 'json', 'csv'] as const;

interface Options extends FleetOptions {
  output: (typeof FORMATS)[number];
  outFile?: string;
}

export function inventoryCommand(): Command {
  const made = command(
    'inventory',
    'List every stage and the certificate that it presents, across accounts and Regions',
  );
  addReportOptions(made, FORMATS);
  renamedOption(made, '--format <name>', '--output');
  renamedOption(made, '--out <file>', '--out-file');
  return addFleetOptions(made).action(
    action<Options>(async ({ options, out, now }) => {
      const { fleet, accounts } = await fleetFor(options);
      const { list } = await import('../../control-plane/list.js');
      const listing = await withProgress(options, (progress) =>
        list(fleet, accounts, { usage: true, stages: true }, now, progress),
      );
      const { table } = await import('../../terminal/table.js');
      const texts = {
        json: () => JSON.stringify(listing, null, 2),
        csv: () => csvText<StageRow>(COLUMNS, listing.stages),
        text: () => inventoryText(listing, table, out.style),
      };
      await writeResult(out, texts[options.output](), options.outFile);
      await reportUnknown(listing.sources, fleet, out);
    }),
  );
}

const COLUMNS = [
  ['account', (row) => row.account],
  ['region', (row) => row.region],
  ['restApiId', (row) => row.restApiId],
  ['apiName', (row) => row.apiName],
  ['stageName', (row) => row.stageName],
  ['clientCertificateId', (row) => row.clientCertificateId ?? ''],
  ['status', (row) => row.status ?? ''],
  ['daysLeft', (row) => row.daysLeft ?? ''],
  ['notAfter', (row) => (row.notAfter === undefined ? '' : timeText(row.notAfter))],
] as const satisfies readonly Column<StageRow>[];

type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string;

/** The sources with their counts, then the stages that present a certificate. */
function inventoryText({ sources, stages }: Listing, table: Table, style: ChalkInstance): string {
  const count = (value: number | undefined): string => (value === undefined ? '?' : String(value));
  const sourceCells = (row: SourceRow): string[] => [
    printable(row.account),
    printable(row.region),
    count(row.certificates),
    count(row.unused),
    count(row.quotaLeft),
    count(row.apis),
    count(row.stages),
  ];
  const presenting = stages.filter(({ clientCertificateId }) => clientCertificateId !== undefined);
  const without = stages.length - presenting.length;
  return [
    table(
      ['ACCOUNT', 'REGION', 'CERTIFICATES', 'UNUSED', 'QUOTA LEFT', 'APIS', 'STAGES'],
      sources.map(sourceCells),
    ),
    '',
    ...(presenting.length === 0
      ? ['no stage presents a certificate']
      : [
          table(
            ['STAGE', 'CERTIFICATE', 'STATUS', 'DAYS', 'EXPIRES', 'ACCOUNT', 'REGION'],
            presenting.map((row) => [
              printable(`${row.apiName}/${row.stageName}`),
              printable(row.clientCertificateId ?? ''),
              row.status === undefined ? style.dim('elsewhere') : statusText(row.status, style),
              count(row.daysLeft),
              row.notAfter === undefined ? '?' : timeText(row.notAfter),
              printable(row.account),
              row.region,
            ]),
          ),
        ]),
    ...(without > 0 ? [`and ${without} without a certificate`] : []),
  ].join('\n');
}
