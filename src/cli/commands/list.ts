import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { Usage } from '../../app/list.js';
import type { CertificateView } from '../../core/certificate-view.js';
import { printable } from '../../core/printable.js';
import { action, command } from '../command.js';
import { stageText } from '../stage-options.js';
import { statusText, timeText } from '../status.js';

interface Options {
  usage?: boolean;
}

export function listCommand(): Command {
  return command('list', 'Every client certificate, soonest expiry first')
    .option('--usage', 'also the stages that present each, which are unused, and the quota left')
    .action(
      action<Options>(async ({ options, gateway, out, now }) => {
        const { list, listUsage } = await import('../../app/list.js');
        const { table } = await import('../table.js');
        const { region } = await gateway();
        const none = `no client certificates in ${region}`;
        if (options.usage) {
          const usage = await listUsage(await gateway(), now);
          out.result(usage, () =>
            [
              usage.items.length === 0
                ? none
                : table(
                    [...HEAD, 'PRESENTED BY', 'DESCRIPTION'],
                    usage.items.map((item) => [
                      ...cells(item, out.style),
                      item.usedBy.length === 0
                        ? out.style.yellow('unused')
                        : item.usedBy.map(stageText).join('\n'),
                      printable(item.description ?? ''),
                    ]),
                  ),
              ...usageLines(usage),
            ].join('\n'),
          );
          return;
        }
        const items = await list(await gateway(), now);
        out.result({ items }, () =>
          items.length === 0
            ? none
            : table(
                [...HEAD, 'DESCRIPTION'],
                items.map((item) => [...cells(item, out.style), printable(item.description ?? '')]),
              ),
        );
      }),
    );
}

const HEAD = ['ID', 'STATUS', 'DAYS', 'VALID TO'];

function cells(certificate: CertificateView, style: ChalkInstance): string[] {
  const { clientCertificateId, status, daysLeft, notAfter } = certificate;
  return [printable(clientCertificateId), statusText(status, style), String(daysLeft), timeText(notAfter)];
}

function usageLines({ items, unused, quotaLeft, elsewhere }: Usage): string[] {
  return [
    '',
    `${items.length} in all, ${unused.length} unused; the default quota leaves room for ${quotaLeft} more`,
    ...elsewhere.map(
      (use) =>
        `${stageText(use)} presents ${printable(use.clientCertificateId)}, ` +
        (use.kind === 'acm' ? 'a certificate of ACM' : 'which is not among the client certificates'),
    ),
  ];
}
