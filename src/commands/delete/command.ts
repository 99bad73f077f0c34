import type { Command } from 'commander';
import { assertGenerated } from '../../control-plane/generated-only.js';
import { printable } from '../../platform/printable.js';
import { confirmed } from '../../terminal/ask.js';
import { action, command } from '../../terminal/command.js';
import { addManagerOptions, type ManagerOptions } from '../../terminal/manager-options.js';
import { withLook } from '../../terminal/progress.js';

interface Options extends ManagerOptions {
  yes?: boolean;
}

export function deleteCommand(): Command {
  return addManagerOptions(command('delete <id>', 'Delete a certificate that no stage presents'))
    .option('--yes', 'delete it without a prompt; required without a terminal')
    .action(
      action<Options, [string]>(async ({ args: [clientCertificateId], options, out, now }) => {
        assertGenerated(clientCertificateId);
        const [
          { assertDeletable, deleteCertificate, lookBeforeDeletion },
          { assertNotManaged },
          { openPlace },
          { findCertificate },
        ] = await Promise.all([
          import('../../rotation/engine/delete.js'),
          import('../../rotation/rules/manager.js'),
          import('../../terminal/account.js'),
          import('../../control-plane/find-certificate.js'),
        ]);
        const { controlPlane: opened, managerOf } = await openPlace(options, out);
        const view = await lookBeforeDeletion(opened);
        await withLook({ options, out }, (progress) =>
          assertDeletable(opened, clientCertificateId, now(), view, progress),
        );
        const certificate =
          view.certificates.find((one) => one.clientCertificateId === clientCertificateId) ??
          (await findCertificate(opened, clientCertificateId));
        // Where there is none, AWS says so when it is to be deleted.
        if (certificate) assertNotManaged({ stages: [], certificate }, managerOf());
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
