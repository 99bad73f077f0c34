import { Argument, Command, Option } from 'commander';
import { AppError } from '../../../platform/errors.js';
import { BACKEND_SERVERS } from '../../../trust/servers.js';
import { action, collect } from '../../../terminal/command.js';
import { readInput } from '../../../terminal/input.js';

interface Options {
  stage?: string;
  api?: string;
  certificate?: string[];
  file?: string[];
  listen: string;
  serverName: string;
  serverCertificate: string;
  serverKey?: string;
  trustFile?: string;
  upstream: string;
  ca?: string;
  subject?: string;
  san?: string;
  caFile?: string;
  only?: 'configuration' | 'trust-file' | 'ca-file';
}

export function backendConfigCommand(): Command {
  return new Command('config')
    .description('Print a server configuration that accepts only these certificates')
    .addArgument(new Argument('<server>', 'which').choices(BACKEND_SERVERS.map(({ name }) => name)))
    .option('--stage <stage>', 'use the certificate of this stage: prod, or with its API orders/prod')
    .option('--api <name>', 'the REST API, by name or id')
    .option('--certificate <id>', 'use a certificate of the account; may be repeated', collect)
    .option('--file <file>', 'use the certificates in a file, PEM or DER; may be repeated', collect)
    .option('--ca <file>', 'accept certificates of a CA with one name: its root, PEM or DER')
    .option('--subject <name>', 'with --ca: the whole subject, such as CN=orders-gateway,O=Example')
    .option('--san <name>', 'with --ca: a subject alternative name, such as DNS:gateway.example.com')
    .option('--ca-file <file>', 'file with the root on the server (default: /etc/apigw-cert/ca-SERVER.pem)')
    .option('--listen <address:port>', 'address and port that the server listens on', '0.0.0.0:443')
    .option('--server-name <host>', 'host name that the API calls', 'backend.example.com')
    .option(
      '--server-certificate <file>',
      "the server's certificate with its chain",
      '/etc/apigw-cert/server.pem',
    )
    .option('--server-key <file>', 'the key of the server certificate (default: its file name with .key)')
    .option(
      '--trust-file <file>',
      'file with the accepted certificates (default: /etc/apigw-cert/trusted-SERVER)',
    )
    .option('--upstream <host:port>', 'application behind the server', '127.0.0.1:8080')
    .addOption(
      new Option('--only <part>', 'print only this part').choices(['configuration', 'trust-file', 'ca-file']),
    )
    .addHelpText(
      'after',
      `
The tests of this project run real servers with these configurations. The second file lists the accepted certificates;
\`apigw-cert rotate --trust\` and \`apigw-cert backend add|remove\` update it.

Examples:
  apigw-cert backend config nginx --stage orders/prod --server-name orders.example.com
  apigw-cert backend config haproxy --file old.pem --file new.pem --only configuration > apigw.cfg`,
    )
    .action(
      action<Options, [server: string]>(async ({ args: [server], options, controlPlane, out }) => {
        const { stage, api, certificate: ids = [], file: files = [], only, ca, subject, san } = options;
        const [{ backendConfig }, { namedAuthority, namedCertificates }, { backendConfigText }] =
          await Promise.all([import('./run.js'), import('../trust/run.js'), import('./text.js')]);
        if (api !== undefined && stage === undefined) {
          throw new AppError('Usage', '--api needs --stage', { hint: 'add the stage: --stage prod' });
        }
        if ((ca === undefined) !== (subject === undefined && san === undefined)) {
          throw new AppError('Usage', '--ca needs --subject or --san, and these need --ca', {
            hint: 'specify the root of the CA and the name that the certificate must have',
          });
        }
        const name = { ...(subject === undefined ? {} : { subject }), ...(san === undefined ? {} : { san }) };
        const readFile = (file: string) =>
          readInput(file, 'specify a PEM or DER file; for an id, use --certificate');
        const entry = ca === undefined ? undefined : await namedAuthority(ca, name, readInput);
        const presented = async () => {
          if (stage === undefined) return [];
          const [{ presentedCertificates }, { resolveStage }] = await Promise.all([
            import('./presented.js'),
            import('../../../control-plane/resolve-stage.js'),
          ]);
          const opened = await controlPlane();
          const found = await resolveStage(opened, api === undefined ? { stage } : { api, stage });
          return presentedCertificates(opened, found, entry);
        };
        const [fromFiles, fromStage, fromAccount] = await Promise.all([
          namedCertificates(files, readFile, controlPlane),
          presented(),
          namedCertificates(ids, () => Promise.resolve(undefined), controlPlane),
        ]);
        const certificates = [...fromFiles, ...fromStage, ...fromAccount];
        const { serverCertificate: certificateFile } = options;
        const config = await backendConfig(
          server,
          {
            listen: options.listen,
            serverName: options.serverName,
            certificateFile,
            privateKeyFile: options.serverKey ?? `${certificateFile}.key`,
            trustFile: options.trustFile ?? `/etc/apigw-cert/trusted-${server}`,
            upstream: options.upstream,
          },
          certificates,
          entry && { caFile: options.caFile ?? `/etc/apigw-cert/ca-${server}.pem`, entry },
        );
        out.result(config, () => backendConfigText(config, only));
        if (certificates.length === 0 && entry === undefined) {
          out.warn(
            'no certificate was specified, so the list is empty: add --stage, --certificate or --file',
          );
        }
        if (config.proved === 'unproven') {
          out.warn(
            `the configuration for ${server} is based on its documentation and untested: test it before use`,
          );
        }
      }),
    );
}
