import type { Command } from 'commander';
import { parseDuration } from '../../core/duration.js';
import { AppError } from '../../core/errors.js';
import { EARLIEST, LATEST } from '../../emulator/clock.js';
import type { Emulator, EmulatorOptions } from '../../emulator/index.js';
import { readFileOrStream, unsuitability } from '../../platform/read-regular-file.js';
import { certificateFacts } from '../../x509/certificate.js';
import { action, collect, command } from '../command.js';

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
  return command('emulator', 'An API Gateway on this machine, to try things out and to test against')
    .option('--host <address>', 'address to listen at', '127.0.0.1')
    .option('--port <number>', 'port to listen at, 0 for any free one', '4599')
    .option('--data <dir>', 'keep certificates and APIs there over restarts; in memory without it')
    .option('--backend-ca <file>', 'PEM that vouches for backends; may be repeated', collect)
    .option('--clock <time>', 'where its clock starts: ISO 8601, or -340d for that long ago')
    .option('--rate-limit <number|off>', 'requests a second of an account and Region', '10')
    .option('--burst <number>', 'requests that may come at once', '40')
    .option('--quota <number>', 'client certificates of an account and Region', '60')
    .option('--propagation-delay <duration>', 'a stage presents old and new in turns for so long', '0s')
    .option('--need-redeploy', "a stage's new certificate waits for the next deployment")
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
  throw new AppError('Usage', `${flag} takes a whole number ${range}, not "${text}"`, {
    hint: 'leave it away for the default, which --help shows',
  });
}

/** A moment, or a length of time before now: `-340d`. */
function parseClock(text: string, now: Date): Date {
  const date = text.startsWith('-')
    ? new Date(now.getTime() - parseDuration(text.slice(1)))
    : new Date(/^\d{4}-\d{2}-\d{2}/.test(text) ? text : NaN);
  if (date >= EARLIEST && date <= LATEST) return date;
  throw new AppError('Usage', `--clock does not know the time "${text}"`, {
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
      hint: 'name a PEM file with the certificate of the authority, or of the backend itself',
    });
  }
}

function listenError(error: unknown, { host, port }: Options): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  const taken = 'code' in error && error.code === 'EADDRINUSE';
  return new AppError('AddressUnavailable', `cannot listen at ${host}:${port}: ${error.message}`, {
    cause: error,
    ...(taken ? { hint: 'another emulator may run there; --port 0 takes any free port' } : {}),
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
    `API Gateway emulator at ${emulator.url}, its clock at ${emulator.now().toISOString()}. Ctrl-C ends it.`,
    '',
    'In another terminal, with any credentials and any Region:',
    '  export AWS_ACCESS_KEY_ID=emulator AWS_SECRET_ACCESS_KEY=emulator AWS_DEFAULT_REGION=eu-central-1',
    `  apigw-cert generate --endpoint-url ${emulator.url}`,
    `  aws apigateway get-client-certificates --endpoint-url ${emulator.url}`,
    `Clock, faults, settings and the requests received: ${emulator.url}/_emulator/`,
  ].join('\n');
}
