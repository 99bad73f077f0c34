import type { Command } from 'commander';
import type { ReportedFinding } from '../../findings/finding.js';
import type { Output } from '../../terminal/output.js';
import { action, command } from '../../terminal/command.js';
import { readUnlessId } from '../../terminal/input.js';
import { withLook } from '../../terminal/progress.js';

export function inspectCommand(): Command {
  return command(
    'inspect <target>',
    'Show all details of a certificate: by its id, from a file, or - for stdin',
  )
    .addHelpText(
      'after',
      `
A target that exists as a file is read as PEM or DER, without calling AWS; anything else is a certificate id.

Examples:
  apigw-cert inspect a1b2c3
  apigw-cert inspect /etc/orders/apigw.pem
  openssl s_client -connect backend:443 </dev/null | apigw-cert inspect -`,
    )
    .action(
      action<object, [target: string]>(async ({ args: [target], controlPlane, options, out, now }) => {
        const input = await readUnlessId(target);
        const [{ inspectClientCertificate, inspectFile }, text] = await Promise.all([
          import('./run.js'),
          import('./text.js'),
        ]);
        if (input === undefined) {
          const opened = await controlPlane();
          const certificate = await withLook({ options, out }, (progress) =>
            inspectClientCertificate(opened, target, now, progress),
          );
          out.result(certificate, () => text.clientCertificateText(certificate, out.style));
          await warnOf(certificate.findings ?? [], out);
          return;
        }
        const file = inspectFile(input.bytes, input.name, now);
        out.result(file, () => text.fileText(file, out.style));
        await warnOf(file.findings, out);
      }),
    );
}

async function warnOf(findings: readonly ReportedFinding[], out: Output): Promise<void> {
  if (findings.length === 0) return;
  const { warningText } = await import('../../findings/formats/text.js');
  for (const finding of findings) out.warn(warningText(finding, out.noteStyle));
}
