import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { certificateFacts } from '../../src/certificates/parse.js';
import { BINARY, cli, type CliResult } from './cli.js';
import type { RotationLab } from './rotation.js';

/** The words of a rotation in a lab, quick enough for a test; a later word of the same option goes before. */
export function rotateWords(lab: RotationLab, ...more: string[]): string[] {
  return [
    ...['rotate', '--stage', 'orders/prod', '--trust', `pem-bundle:${lab.trustFile}`],
    ...['--probe-count', '1', '--settle', '5s', '--soak', '500ms', '--in-flight', '2s', ...more],
  ];
}

/** Runs a rotation to its end. */
export function rotateCli(lab: RotationLab, ...more: string[]): Promise<CliResult> {
  return cli(rotateWords(lab, ...more), { env: lab.env });
}

/** A command that is at work, to be sent signals. */
export function startCli(lab: RotationLab, words: readonly string[]) {
  const child = spawn(process.execPath, [BINARY, ...words], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...lab.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const closed = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    closed,
    /** Waits until stderr says so. */
    async says(pattern: RegExp): Promise<void> {
      while (!pattern.test(stderr)) {
        if (child.exitCode !== null) throw new Error(`it ended without saying ${String(pattern)}: ${stderr}`);
        await Promise.race([once(child.stderr, 'data'), closed]);
      }
    },
  };
}

/** What a rotation is about: ids of the account's certificates, what the stage presents, what the file trusts. */
export async function stateOf({ controlPlane, api, trustFile }: RotationLab): Promise<{
  certificates: string[];
  presented: string | undefined;
  trusted: string[];
}> {
  const certificates = await controlPlane.getClientCertificates();
  const ids = new Map(
    certificates.map(({ clientCertificateId: id, pemEncodedCertificate }) => [
      certificateFacts(pemEncodedCertificate).fingerprintSha256,
      id,
    ]),
  );
  const stage = await controlPlane.getStage({ restApiId: api.restApiId, stageName: api.stageName });
  const parts = (await readFile(trustFile, 'utf8')).split(/(?=-----BEGIN CERTIFICATE-----)/);
  return {
    certificates: [...ids.values()].sort(),
    presented: stage.clientCertificateId,
    trusted: parts
      .filter((part) => part.includes('BEGIN'))
      .map((part) => ids.get(certificateFacts(part).fingerprintSha256) ?? 'unknown')
      .sort(),
  };
}
