import type { Command } from 'commander';
import { parseDuration } from '../../platform/duration.js';
import { AppError } from '../../platform/errors.js';
import { EARLIEST, LATEST } from '../../emulator/clock.js';
import type { Emulator, EmulatorOptions } from '../../emulator/index.js';
import { readFileOrStream, unsuitability } from '../../platform/read-regular-file.js';
import { certificateFacts } from '../../certificates/parse.js';
import { action, collect, command } from '../../terminal/command.js';

interface Options {
  host: string;
  port: string;
  data?: string;
  backendCa?: string[];
  clock?: string;
  rateLimit: string;
  burst: string;
  quota: string;
  propagationDelay: string;
  needRedeploy?: boolean;
}

export function emulatorCommand(): Command {
  return command('emulator', 'Run a local emulator of API Gateway for trials and tests')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free one', '4599')
    .option(
      '--data <dir>',
      'directory that keeps certificates and APIs between restarts (default: in memory)',
    )
    .option(
      '--backend-ca <file>',
      'PEM file of a CA for the certificates of backends; may be repeated',
      collect,
    )
    .option('--clock <time>', 'start time of its clock: ISO 8601, or -340d for 340 days ago')
    .option('--rate-limit <number|off>', 'requests per second for an account and Region', '10')
    .option('--burst <number>', 'size of a burst of requests', '40')
    .option('--quota <number>', 'client certificate quota of an account and Region', '60')
    .option(
      '--propagation-delay <duration>',
      'how long a stage alternates between the old and the new certificate after a change',
      '0s',
    )
    .option('--need-redeploy', 'a stage presents its new certificate only after the next deployment')
    .action(
      action<Options>(async ({ options, out, now }) => {
        const ended = signalled();
        const { startEmulator } = await import('../../emulator/index.js');
        const emulator = await startEmulator(await emulatorOptions(options, now())).catch(
          (error: unknown) => {
            throw listenError(error, options);
          },
        );
        out.result({ endpoint: emulator.url, clock: emulator.now().toISOString() }, () => welcome(emulator));
        await ended;
        await emulator.close();
      }),
    );
}

async function emulatorOptions(options: Options, now: Date): Promise<EmulatorOptions> {
  const perSecond = options.rateLimit === 'off' ? undefined : count('--rate-limit', options.rateLimit, 1);
  return {
    host: options.host,
    port: count('--port', options.port, 0, 65_535),
    ...(options.data === undefined ? {} : { dataDir: options.data }),
    backendCa: await Promise.all((options.backendCa ?? []).map(readPem)),
    ...(options.clock === undefined ? {} : { clock: parseClock(options.clock, now) }),
    rateLimit: perSecond === undefined ? false : { perSecond, burst: count('--burst', options.burst, 1) },
    certificateQuota: count('--quota', options.quota, 0),
    propagationDelayMs: parseDuration(options.propagationDelay),
    needRedeploy: options.needRedeploy ?? false,
  };
}

function count(flag: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw new AppError('Usage', `${flag} must be a whole number ${range}, not "${text}"`, {
    hint: 'omit it to use the default shown in --help',
  });
}

/** A moment, or a length of time before now: `-340d`. */
function parseClock(text: string, now: Date): Date {
  const date = text.startsWith('-')
    ? new Date(now.getTime() - parseDuration(text.slice(1)))
    : new Date(/^\d{4}-\d{2}-\d{2}/.test(text) ? text : NaN);
  if (date >= EARLIEST && date <= LATEST) return date;
  throw new AppError('Usage', `--clock "${text}" is not a valid time`, {
    hint: 'write it as 2026-11-26T09:30:00Z, or -340d for 340 days ago',
  });
}

async function readPem(file: string): Promise<string> {
  try {
    const pem = (await readFileOrStream(file)).toString('utf8');
    certificateFacts(pem);
    return pem;
  } catch (cause) {
    const [code, what] =
      cause instanceof AppError
        ? (['CertificateUnreadable', 'holds no certificate'] as const)
        : (['FileNotReadable', `cannot be read${unsuitability(cause)}`] as const);
    throw new AppError(code, `--backend-ca ${file} ${what}`, {
      cause,
      hint: 'specify a PEM file with the certificate of the CA, or of the backend itself',
    });
  }
}

function listenError(error: unknown, { host, port }: Options): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  const taken = 'code' in error && error.code === 'EADDRINUSE';
  return new AppError('AddressUnavailable', `cannot listen on ${host}:${port}: ${error.message}`, {
    cause: error,
    ...(taken ? { hint: 'another emulator may be running there; --port 0 uses any free port' } : {}),
  });
}

/** Until the user, or whoever started the process, wants it to end. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

function welcome(emulator: Emulator): string {
  return [
    `API Gateway emulator at ${emulator.url}, its clock at ${emulator.now().toISOString()}. Press Ctrl-C to stop it.`,
    '',
    'In another terminal, with any credentials and any Region:',
    '  export AWS_ACCESS_KEY_ID=emulator AWS_SECRET_ACCESS_KEY=emulator AWS_DEFAULT_REGION=eu-central-1',
    `  apigw-cert generate --endpoint-url ${emulator.url}`,
    `  aws apigateway get-client-certificates --endpoint-url ${emulator.url}`,
    `Clock, faults, settings and the requests received: ${emulator.url}/_emulator/`,
  ].join('\n');
}
