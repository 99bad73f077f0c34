import { execFileSync } from 'node:child_process';

/** Runs the real openssl binary on `input` and returns what it prints; throws with its stderr when it fails. */
export function openssl(args: readonly string[], input?: string | Uint8Array): string {
  return execFileSync('openssl', args, { input, encoding: 'utf8', stdio: 'pipe' });
}
