import type { Command } from 'commander';
import { AppError } from '../../platform/errors.js';
import { parseTags } from '../../certificates/tags.js';
import { certificateFactsText } from '../../terminal/certificate-text.js';
import { action, collect, command } from '../../terminal/command.js';
import { renamedOption } from '../../terminal/deprecated.js';

interface Options {
  description?: string;
  tag?: string[];
  outFile?: string;
  force?: boolean;
}

export function generateCommand(): Command {
  const made = command('generate', 'Generate a new client certificate')
    .option('--description <text>', 'description of the certificate')
    .option('--tag <key=value>', 'a tag; may be repeated', collect)
    .option('--out-file <file>', 'write its PEM to this file, which must not exist')
    .option('--force', 'replace an existing file');
  renamedOption(made, '--out <file>', '--out-file');
  return made.action(
    action<Options>(
      async ({ options: { description, tag = [], outFile: file, force }, controlPlane, out, now }) => {
        const tags = parseTags(tag);
        if (file !== undefined) {
          const { assertWritable } = await import('../../platform/write-file.js');
          await assertWritable(file, { replace: force === true });
        }
        const { generate } = await import('./run.js');
        const input = { ...(description === undefined ? {} : { description }), tags };
        const { certificate, pem } = await generate(await controlPlane(), input, now);
        if (file !== undefined) await save(file, pem, certificate.clientCertificateId);
        out.result({ ...certificate, ...(file === undefined ? {} : { file }) }, () =>
          certificateFactsText(certificate, out.style),
        );
      },
    ),
  );
}

/** Whatever happens to the file, the certificate is there and must not be lost sight of. */
async function save(file: string, pem: string, clientCertificateId: string): Promise<void> {
  const { writeFileAtomically } = await import('../../platform/write-file.js');
  try {
    await writeFileAtomically(file, pem);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `${error.message}; the certificate ${clientCertificateId} was generated`, {
      hint: `get its PEM with \`apigw-cert download ${clientCertificateId}\``,
      cause: error,
      details: { ...error.details, clientCertificateId },
    });
  }
}
