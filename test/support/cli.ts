import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Emulator } from '../../src/emulator/index.js';
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

/** Runs the built command line as a user would, whatever its exit code. */
export async function cli(
  words: readonly string[],
  {
    env = {},
    input,
    cwd,
  }: { env?: Readonly<Record<string, string>>; input?: string | Uint8Array; cwd?: string } = {},
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
  const [stdout = '', stderr = ''] = [result.stdout, result.stderr].map((octets) => decoder.decode(octets));
  return {
    code: result.exitCode,
    stdout,
    bytes: result.stdout,
    stderr,
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
