import { printable } from '../../platform/printable.js';
import { listText } from '../../platform/list-text.js';
import { Option, type Command } from 'commander';
import type { DownloadEncoding } from './run.js';
import { AppError } from '../../platform/errors.js';
import { action, command } from '../../terminal/command.js';
import { renamedOption } from '../../terminal/deprecated.js';

interface Options {
  outFile: string;
  encoding: DownloadEncoding;
  force?: boolean;
}

/** The word for stdout in `--out-file`. */
const STDOUT = '-';

export function downloadCommand(): Command {
  const made = command('download <id...>', 'Download certificates as clean PEM, into one file')
    .option('--out-file <file>', 'file to write; - is stdout', STDOUT)
    .option('--force', 'replace an existing file with different content')
    .addOption(
      new Option('--encoding <encoding>', 'encoding of the certificates')
        .choices(['pem', 'der'])
        .default('pem'),
    );
  renamedOption(made, '--out <file>', '--out-file');
  renamedOption(made, '--format <encoding>', '--encoding');
  return made.action(
    action<Options, [ids: string[]]>(async ({ args: [ids], options, controlPlane, out, now }) => {
      const { outFile: file, encoding, output, force = false } = options;
      const toStdout = file === STDOUT;
      if (toStdout && encoding === 'der' && (output === 'json' || process.stdout.isTTY)) {
        throw new AppError('Usage', 'DER is binary and cannot be written to a terminal', {
          hint: `add --out-file ${ids.length === 1 ? (ids[0] ?? '') : 'certificate'}.der, or use --encoding pem`,
        });
      }
      const [{ download }, { warningText }] = await Promise.all([
        import('./run.js'),
        import('../../findings/formats/text.js'),
      ]);
      const { certificates, content, findings } = await download(
        await controlPlane(),
        { ids, encoding, file: toStdout ? undefined : file },
        now,
      );
      if (!toStdout) {
        const { assertWritable, writeFileAtomically } = await import('../../platform/write-file.js');
        await assertWritable(file, { replace: force, content });
        await writeFileAtomically(file, content);
      }
      const report = { items: certificates, findings, ...(toStdout ? {} : { file, encoding }) };
      if (toStdout && output === 'text') out.content(content);
      else
        out.result(
          report,
          () => `${file}: ${listText(certificates.map((one) => printable(one.clientCertificateId)))}`,
        );
      if (certificates.some(({ acm }) => acm !== undefined)) {
        out.note(
          'This is what the stage presents, not what its backend should trust: trust the root, and check the subject (docs/acm.md).',
        );
      }
      for (const finding of findings) out.warn(warningText(finding, out.noteStyle));
    }),
  );
}
