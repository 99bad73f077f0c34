import { Option, type Command } from 'commander';
import { EXIT } from '../../../platform/errors.js';
import { proxyFor, proxyName } from '../../../net/proxy.js';
import { action, collect, command } from '../../../terminal/command.js';
import { identityFiles, readNamed } from '../../../terminal/identity-files.js';

interface Options {
  expect?: 'enforced';
  backendCa?: string[];
  cert?: string;
  key?: string;
}

export function backendVerifyCommand(): Command {
  return command(
    'verify <url>',
    'Test that a backend refuses callers without a certificate and with a false one, and that API Gateway can connect',
  )
    .addOption(
      new Option('--expect <verdict>', 'exit 1 if the verdict is a different one').choices(['enforced']),
    )
    .option(
      '--backend-ca <file>',
      'PEM file of a private CA that API Gateway trusts; may be repeated',
      collect,
    )
    .option(
      '--cert <file>',
      'PEM file of your own client certificate, to test that it is accepted; requires --key',
    )
    .option('--key <file>', 'PEM file of its unencrypted private key; requires --cert')
    .addHelpText(
      'after',
      `
Makes a few connections and sends GET requests for the URL. No AWS credentials are needed. Only \`apigw-cert doctor\` and
\`apigw-cert test-invoke\` show whether the backend accepts API Gateway itself, since its private key never leaves AWS.
This command does show one reason for a refusal: API Gateway uses a Java client, which presents no certificate to a backend that announces CA
names without C=US, L=Seattle, CN=ApiGateway. That is an error (exit 1), as is a certificate of --cert that is refused.

Examples:
  apigw-cert backend verify https://orders.example.com/health
  apigw-cert backend verify https://orders.example.com/health --expect enforced --output json
  apigw-cert backend verify https://orders.example.com/health --cert acm.pem --key acm.key`,
    )
    .action(
      action<Options, [url: string]>(async ({ args: [url], options, out, now }) => {
        const backendCas = await Promise.all((options.backendCa ?? []).map(readNamed));
        const own = await identityFiles(options);
        const [{ verifyBackend }, { backendReportText, hasError }] = await Promise.all([
          import('./run.js'),
          import('./text.js'),
        ]);
        const [{ missingIssuer, treatmentOf }, { printable }] = await Promise.all([
          import('./rules.js'),
          import('../../../platform/printable.js'),
        ]);
        const proxy = URL.canParse(url) ? proxyFor(new URL(url)) : undefined;
        if (proxy) {
          out.note(
            `Connecting through the proxy ${proxyName(proxy)}. If the proxy intercepts TLS, the result describes the proxy: exclude the backend with NO_PROXY.`,
          );
        }
        const report = await verifyBackend(url, { backendCas, own }, now);
        out.result(report, () => backendReportText(report, out.style));
        const missing =
          own && report.withCertificate && treatmentOf(report.withCertificate) !== 'admitted'
            ? missingIssuer(own.certificate)
            : undefined;
        if (missing !== undefined) {
          out.warn(
            `the file of --cert does not contain the certificate of its issuer, ${printable(missing)}: unless this is the root that the backend trusts, add every intermediate certificate to the file, and to the certificate in ACM`,
          );
        }
        const unexpected = options.expect !== undefined && report.verdict !== options.expect;
        if (unexpected || hasError(report)) out.exitWith(EXIT.failed);
      }),
    );
}
