import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../platform/cache-directory.js';
import { writeFileAtomically } from '../../platform/write-file.js';
import { printable } from '../../platform/printable.js';
import type { CommonOptions } from '../../terminal/context.js';
import { fleetFor } from '../../terminal/fleet-options.js';

/** Where the names are kept that completion offers. */
export const completionDirectory = (env?: NodeJS.ProcessEnv): string =>
  join(cacheDirectory(env), 'completion');

/**
 * Looks up the names of stages, certificates and Regions, and keeps them for completion. Errors are those of any look.
 * @returns the directory
 */
export async function refreshNames(options: CommonOptions, now: () => Date): Promise<string> {
  const { fleet, accounts } = await fleetFor({ ...options, rate: '40%' });
  const { list } = await import('../../control-plane/list.js');
  const { items, sources, elsewhere } = await list(fleet, accounts, { usage: true }, now);
  const stages = [...items.flatMap(({ usedBy = [] }) => usedBy), ...elsewhere].flatMap(
    ({ apiName, restApiId, stageName }) => [`${apiName}/${stageName}`, `${restApiId}/${stageName}`],
  );
  const names = {
    stages,
    certificates: items.map(({ clientCertificateId }) => clientCertificateId),
    regions: sources.map(({ region }) => region),
  };
  const directory = completionDirectory();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const profile = (options.profile ?? process.env['AWS_PROFILE'] ?? '').replaceAll('/', '_') || 'default';
  for (const [kind, found] of Object.entries(names)) {
    const lines = [...new Set(found)].filter((name) => printable(name) === name).sort();
    await writeFileAtomically(
      join(directory, `${profile}.${kind}`),
      lines.map((line) => `${line}\n`).join(''),
      {
        mode: 0o600,
      },
    );
  }
  return directory;
}
