import type { Command } from 'commander';
import { printable } from '../../core/printable.js';
import { confirmed } from '../ask.js';
import { action, command } from '../command.js';

interface Options {
  yes?: boolean;
}

export function deleteCommand(): Command {
  return command('delete <id>', 'Delete a certificate that no stage presents')
    .option('--yes', 'delete it without asking; needed where there is no terminal')
    .action(
      action<Options, [string]>(async ({ args: [clientCertificateId], options, gateway, out }) => {
        const { assertNoRotationNeeds, deleteCertificate } = await import('../../app/delete.js');
        const opened = await gateway();
        await assertNoRotationNeeds(opened, clientCertificateId);
        const question = `Delete the certificate ${clientCertificateId} in ${opened.region}? It cannot be brought back.`;
        await confirmed(question, options.yes === true);
        await deleteCertificate(opened, clientCertificateId);
        out.result({ clientCertificateId, deleted: true }, () => `deleted ${printable(clientCertificateId)}`);
      }),
    );
}
