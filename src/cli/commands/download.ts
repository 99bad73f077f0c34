import { printable } from '../../core/printable.js';
import { listText } from '../../core/stages-text.js';
import { Option, type Command } from 'commander';
import type { DownloadFormat } from '../../app/download.js';
import { AppError } from '../../core/errors.js';
import { action, command } from '../command.js';

interface Options {
  out: string;
  format: DownloadFormat;
  force?: boolean;
}

/** The word for stdout in `--out`. */
const STDOUT = '-';

export function downloadCommand(): Command {
  return command('download <id...>', 'The PEM of certificates, clean and in one file')
    .option('--out <file>', 'where to; - is stdout', STDOUT)
    .option('--force', 'replace a file that exists and holds something else')
    .addOption(new Option('--format <format>', 'of the file').choices(['pem', 'der']).default('pem'))
    .action(
      action<Options, [ids: string[]]>(async ({ args: [ids], options, gateway, out, now }) => {
        const { out: file, format, output, force = false } = options;
        const toStdout = file === STDOUT;
        if (toStdout && format === 'der' && (output === 'json' || process.stdout.isTTY)) {
          throw new AppError('Usage', 'DER is binary: it goes to a file or a pipe', {
            hint: `add --out ${ids.length === 1 ? (ids[0] ?? '') : 'certificate'}.der, or use --format pem`,
          });
        }
        const [{ download }, { findingText }] = await Promise.all([
          import('../../app/download.js'),
          import('../finding-text.js'),
        ]);
        const { certificates, content, findings } = await download(await gateway(), { ids, format }, now);
        if (!toStdout) {
          const { assertWritable, writeFileAtomically } = await import('../../app/write-file.js');
          await assertWritable(file, { replace: force, content });
          await writeFileAtomically(file, content);
        }
        const report = { items: certificates, findings, ...(toStdout ? {} : { file, format }) };
        if (toStdout && output === 'table') out.content(content);
        else
          out.result(
            report,
            () => `${file}: ${listText(certificates.map((one) => printable(one.clientCertificateId)))}`,
          );
        for (const finding of findings) out.warn(findingText(finding));
      }),
    );
}
