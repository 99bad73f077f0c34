import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const consumer = mkdtempSync(join(tmpdir(), 'apigw-cert-consumer-'));
afterAll(() => {
  rmSync(consumer, { recursive: true });
});

const PROGRAM = `
import {
  AppError,
  checkExpiry,
  EXIT,
  inspect,
  list,
  plan,
  rotate,
  type ClientCertificate,
  type ExpiryReport,
  type ControlPlane,
  type Listing,
  type RotateOptions,
  type RotationEvent,
  type RotationReport,
  type TrustStore,
} from 'apigw-cert';
import { startEmulator, type Emulator, type Fault, type FaultInput, type Settings } from 'apigw-cert/emulator';
import { createHandler, type Answer, type Handler, type Request } from 'apigw-cert/lambda';
import { trustClientCertificates, type Verdict } from 'apigw-cert/node';

export function use(emulator: Emulator): readonly Fault[] {
  const settings: Settings = emulator.settings();
  const left: number = settings.certificateQuota;
  const fault: FaultInput = { operation: 'GetStages', kind: 'error', code: 'AccessDeniedException', status: left };
  emulator.addFault(fault);
  // @ts-expect-error such a fault does not exist
  emulator.addFault({ operation: 'GetStages', kind: 'nonsense' });
  return emulator.faults();
}
export async function rotated(options: RotateOptions): Promise<string> {
  const { items }: Listing = await list({ region: 'eu-west-1', usage: true, signal: AbortSignal.timeout(1_000) });
  const [first] = items;
  if (first) console.log((await inspect(first.clientCertificateId)).usedBy[0]?.apiName);
  const report: ExpiryReport = await checkExpiry({ warning: '30d', filter: { use: 'inUse' } });
  // @ts-expect-error such a level does not exist
  if (report.level === 'fine') return '';
  const events: RotationEvent[] = [];
  const planned: RotationReport = await plan(options);
  const done = await rotate({ ...options, onEvent: (event) => events.push(event) });
  for (const event of events) if (event.type === 'stepDone') console.log(event.step, event.ms);
  return [planned.outcome, done.newCertificateId ?? ''].join();
}
export async function asked(handler: Handler = createHandler({ config: 'apigw-cert.yaml' })): Promise<string> {
  const request: Request = { request: 'rotate', job: { target: 'orders' } };
  const answer: Answer = await handler(request, { awsRequestId: '', getRemainingTimeInMillis: () => 1 });
  return answer.request === 'rotate' && answer.status === 'waiting' ? answer.until : '';
}
export const faults = startEmulator({ certificateQuota: 3, clock: new Date() }).then(use);
export type Types = [ClientCertificate, ControlPlane, TrustStore, Verdict];
export const values = [AppError, EXIT.ok, trustClientCertificates];
`;

// Copied, since a link would be followed to this repository, where everything can be resolved.
beforeAll(() => {
  const installed = join(consumer, 'node_modules', 'apigw-cert');
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  cpSync(join(root, 'dist', 'types'), join(installed, 'dist', 'types'), { recursive: true });
  symlinkSync(join(root, 'node_modules', '@types'), join(consumer, 'node_modules', '@types'));
});

test.each([
  // Node loads ES modules with require from 20.19 on, and TypeScript knows it.
  ['Node', ['program.mts', 'program.cts'], ['--module', 'nodenext']],
  ['a bundler', ['program.ts'], ['--module', 'preserve', '--moduleResolution', 'bundler']],
])(
  'the published types stand alone, as %s resolves them: a program that checks those of its libraries too compiles',
  async (_who, files, words) => {
    for (const file of files) writeFileSync(join(consumer, file), PROGRAM);
    const { stdout } = await execa(
      process.execPath,
      [
        join(root, 'node_modules/typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--skipLibCheck', 'false', '--exactOptionalPropertyTypes'],
        ...['--target', 'es2023', '--lib', 'es2023', '--types', 'node', ...words, ...files],
      ],
      { cwd: consumer, reject: false },
    );
    expect(stdout).toBe('');
  },
);
