import type { Command } from 'commander';
import { printable } from '../../core/printable.js';
import { action, command } from '../command.js';

export function deleteCommand(): Command {
  return command('delete <id>', 'Delete a certificate that no stage presents').action(
    action<object, [string]>(async ({ args: [clientCertificateId], gateway, out }) => {
      const { deleteCertificate } = await import('../../app/delete.js');
      await deleteCertificate(await gateway(), clientCertificateId);
      out.result({ clientCertificateId, deleted: true }, () => `deleted ${printable(clientCertificateId)}`);
    }),
  );
}
