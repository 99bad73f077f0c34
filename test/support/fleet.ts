import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Emulator } from '../../src/emulator/index.js';

/** AWS configuration files with a profile for each name, and the environment that uses them against the emulator. */
export async function profilesEnv(
  emulator: Pick<Emulator, 'url'>,
  profiles: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-aws-'));
  const config = join(directory, 'config');
  const text = Object.entries(profiles).map(([name, lines]) => `[profile ${name}]\n${lines}\n`);
  await writeFile(config, text.join('\n'));
  return {
    HOME: directory,
    AWS_CONFIG_FILE: config,
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials'),
    AWS_ENDPOINT_URL: emulator.url,
  };
}

/** The lines of a profile with keys of its own: another account, for the emulator. */
export const keys = (accessKeyId: string): string =>
  `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = secret`;
