import type { Command } from 'commander';
import { printable } from '../../platform/printable.js';
import { confirmed } from '../../terminal/ask.js';
import { action, command } from '../../terminal/command.js';
import { withLook } from '../../terminal/progress.js';

interface Options {
  yes?: boolean;
}

export function deleteCommand(): Command {
  return command('delete <id>', 'Delete a certificate that no stage presents')
    .option('--yes', 'delete it without a prompt; required without a terminal')
    .action(
      action<Options, [string]>(async ({ args: [clientCertificateId], options, controlPlane, out, now }) => {
        const { assertDeletable, deleteCertificate } = await import('../../rotation/engine/delete.js');
        const opened = await controlPlane();
        await withLook({ options, out }, (progress) =>
          assertDeletable(opened, clientCertificateId, now(), undefined, progress),
        );
        if (options.yes !== true) {
          await confirmed(
            `Delete the certificate ${clientCertificateId} in ${opened.region}? This cannot be undone.`,
            false,
          );
          // An answer may take its time.
          await assertDeletable(opened, clientCertificateId, now());
        }
        await deleteCertificate(opened, clientCertificateId);
        out.result({ clientCertificateId, deleted: true }, () => `deleted ${printable(clientCertificateId)}`);
      }),
    );
}
