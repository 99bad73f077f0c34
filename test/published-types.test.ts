import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { execa } from 'execa';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const consumer = mkdtempSync(join(tmpdir(), 'apigw-cert-consumer-'));
afterAll(() => {
  rmSync(consumer, { recursive: true });
});

const PROGRAM = `
import { AppError, EXIT, type ClientCertificate, type Gateway, type TrustStore } from 'apigw-cert';
import { startEmulator, type Emulator, type Fault, type FaultInput, type Settings } from 'apigw-cert/emulator';
import { trustClientCertificates, type Verdict } from 'apigw-cert/node';

const emulator: Emulator = await startEmulator({ certificateQuota: 3, clock: new Date() });
const settings: Settings = emulator.settings();
export const left: number = settings.certificateQuota;
const fault: FaultInput = { operation: 'GetStages', kind: 'error', code: 'AccessDeniedException', status: 403 };
emulator.addFault(fault);
// @ts-expect-error such a fault does not exist
emulator.addFault({ operation: 'GetStages', kind: 'nonsense' });
export const faults: readonly Fault[] = emulator.faults();
export type Types = [ClientCertificate, Gateway, TrustStore, Verdict];
export const values = [AppError, EXIT.ok, trustClientCertificates];
`;

test('the published types stand alone: a program that checks those of its libraries too compiles', async () => {
  // Copied, since a link would be followed to this repository, where everything can be resolved.
  const installed = join(consumer, 'node_modules', 'apigw-cert');
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  cpSync(join(root, 'dist', 'types'), join(installed, 'dist', 'types'), { recursive: true });
  symlinkSync(join(root, 'node_modules', '@types'), join(consumer, 'node_modules', '@types'));
  writeFileSync(join(consumer, 'program.mts'), PROGRAM);

  const { stdout } = await execa(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['--noEmit', '--strict', '--skipLibCheck', 'false', '--exactOptionalPropertyTypes'],
      ...['--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023', '--types', 'node'],
      'program.mts',
    ],
    { cwd: consumer, reject: false },
  );
  expect(stdout).toBe('');
});
