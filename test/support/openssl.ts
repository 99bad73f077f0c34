import { execFileSync } from 'node:child_process';

/** Runs the real openssl binary on `input` and returns what it prints; throws with its stderr when it fails. */
export function openssl(args: readonly string[], input?: string | Uint8Array): string {
  return execFileSync('openssl', args, { input, encoding: 'utf8', stdio: 'pipe' });
}

/** Arguments of `openssl req` that make an EC key without a passphrase and keep it in a file. */
export const newKey = (file: string): string[] => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ...['-nodes', '-keyout', file],
];
