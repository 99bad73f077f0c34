import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { AppError, EXIT } from '../../core/errors.js';
import { action, collect, command } from '../command.js';

interface Options {
  expect?: 'enforced';
  backendCa?: string[];
}

export function backendVerifyCommand(): Command {
  return command(
    'verify <url>',
    'Connect from here without a certificate and with a false one: does it refuse both?',
  )
    .addOption(new Option('--expect <verdict>', 'exit 1 unless this is the verdict').choices(['enforced']))
    .option(
      '--backend-ca <file>',
      'PEM of a private authority that API Gateway trusts; may be repeated',
      collect,
    )
    .addHelpText(
      'after',
      `
Makes two connections and asks for the URL by GET. No AWS credentials are needed. Whether the backend lets API Gateway
itself in only \`apigw-cert doctor\` and \`apigw-cert test-invoke\` can tell, since its private key never leaves AWS.

Examples:
  apigw-cert backend verify https://orders.example.com/health
  apigw-cert backend verify https://orders.example.com/health --expect enforced --output json`,
    )
    .action(
      action<Options, [url: string]>(async ({ args: [url], options, out, now }) => {
        const backendCas = (options.backendCa ?? []).map(readAuthorities);
        const [{ verifyBackend }, { backendReportText }] = await Promise.all([
          import('../../app/backend-verify.js'),
          import('../backend-verify-text.js'),
        ]);
        const report = await verifyBackend(url, { backendCas }, now);
        out.result(report, () => backendReportText(report, out.style));
        if (options.expect !== undefined && report.verdict !== options.expect) out.exitWith(EXIT.failed);
      }),
    );
}

function readAuthorities(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new AppError('FileNotReadable', `the authority's file ${file} cannot be read`, {
      cause,
      hint: 'name a PEM file that this user may read',
      details: { file },
    });
  }
}
