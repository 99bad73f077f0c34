// A scene of a benchmark in a process of its own, and the tool beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
/** The tool. */
export const cli = join(here, '..', '..', 'bin', 'apigw-cert.js');

/**
 * Starts a scene in a folder of its own and waits until it is ready.
 * @param file `scene.mjs`, `big-scene.mjs`
 * @param size its arguments after the folder
 */
export async function openScene(file, ...size) {
  const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-bench-'));
  const scene = spawn(process.execPath, [join(here, file), directory, ...size], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await Promise.race([once(scene.stdout, 'data'), once(scene, 'close')]);
  const { env, ...found } = JSON.parse(String(line));
  return {
    ...found,
    directory,
    env: { PATH: process.env.PATH, HOME: directory, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stop: () => scene.kill(),
    close() {
      scene.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
