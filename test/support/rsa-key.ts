import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Keys that earlier tests have made. A process takes each of them once, so no two of its certificates share a key. */
const POOL = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'test-keys');

/** More than any test needs, and few enough to keep. */
const SIZE = 300;

let taken = 0;

/** What `src/certificates/rsa-key.ts` makes, without the 0.1 to 0.2 s of a core that each key takes. */
export async function makeRsaKey(): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  const file = join(POOL, `${taken++}.pem`);
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept !== undefined) {
    const privateKey = createPrivateKey(kept);
    return { publicKey: createPublicKey(privateKey), privateKey };
  }
  const made = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  if (taken <= SIZE) {
    const temporary = `${file}.${process.pid}`;
    await mkdir(POOL, { recursive: true });
    await writeFile(temporary, made.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await rename(temporary, file);
  }
  return made;
}
