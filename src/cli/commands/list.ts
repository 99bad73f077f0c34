import type { Command } from 'commander';
import { printable } from '../../core/printable.js';
import { action, command } from '../command.js';
import { statusText, timeText } from '../status.js';

export function listCommand(): Command {
  return command('list', 'Every client certificate, soonest expiry first').action(
    action(async ({ gateway, out, now }) => {
      const { list } = await import('../../app/list.js');
      const certificates = await list(await gateway(), now);
      const { table } = await import('../table.js');
      out.result({ items: certificates }, () =>
        certificates.length === 0
          ? 'no client certificates in this account and Region'
          : table(
              ['ID', 'STATUS', 'DAYS', 'VALID TO', 'DESCRIPTION'],
              certificates.map((certificate) => [
                certificate.clientCertificateId,
                statusText(certificate.status, out.style),
                String(certificate.daysLeft),
                timeText(certificate.notAfter),
                printable(certificate.description ?? ''),
              ]),
            ),
      );
    }),
  );
}
