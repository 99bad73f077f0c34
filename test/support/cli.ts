import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Emulator } from '../../src/emulator/index.js';
import { inHost } from './cli-hosts.js';
import { asksJson, documentNameOf, validDocument } from './documents.js';

/** The built command line. */
export const BINARY = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'apigw-cert.js');

export interface CliResult {
  code: number | undefined;
  stdout: string;
  /** stdout's octets, for a result that is binary. */
  bytes: Uint8Array;
  stderr: string;
  /** stdout as the one JSON document that it must be; one of `--output json` must be as its schema says. */
  json: () => unknown;
}

const decoder = new TextDecoder();

/** Nothing of the surroundings of the tests: no AWS configuration, no home, no colours. */
const BARE = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** The environment, stdin and working directory of a command. */
export interface CliOptions {
  env?: Readonly<Record<string, string>>;
  input?: string | Uint8Array;
  cwd?: string;
}

/** Runs the built command line as a user would, in a process of its own, whatever its exit code. */
export async function cliProcess(
  words: readonly string[],
  { env = {}, input, cwd }: CliOptions = {},
): Promise<CliResult> {
  const result = await execa(process.execPath, [BINARY, ...words], {
    env: { ...BARE, ...env },
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    encoding: 'buffer',
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  return resultOf(words, result.exitCode, result.stdout, result.stderr);
}

/** What the command line answers before it loads its commands. */
const VERSION_WORDS: ReadonlySet<string | undefined> = new Set(['--version', '-V', '-v', 'version']);

/**
 * Runs the built command line in a process that runs one command after another, which is faster. Commands that depend on how
 * Node.js starts get a process of their own.
 */
export async function cli(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const isForNode = Object.keys(options.env ?? {}).some((name) => name.startsWith('NODE_'));
  if (isForNode || VERSION_WORDS.has(words[0])) return cliProcess(words, options);
  const { env = {}, input, cwd } = options;
  const call = {
    words,
    env: { ...BARE, ...env },
    ...(input === undefined ? {} : { input: Buffer.from(input).toString('base64') }),
    ...(cwd === undefined ? {} : { cwd }),
  };
  const { code, stdout, stderr } = await inHost(call);
  return resultOf(words, code, Buffer.from(stdout, 'base64'), Buffer.from(stderr, 'base64'));
}

function resultOf(
  words: readonly string[],
  code: number | undefined,
  bytes: Uint8Array,
  stderr: Uint8Array,
): CliResult {
  const stdout = decoder.decode(bytes);
  return {
    code,
    stdout,
    bytes,
    stderr: decoder.decode(stderr),
    json() {
      const document = JSON.parse(stdout) as unknown;
      return asksJson(words) ? validDocument(documentNameOf(words), document) : document;
    },
  };
}

/** The environment that leads the command line to an emulator. */
export function emulatorEnv(emulator: Pick<Emulator, 'url'>): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: emulator.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
}
