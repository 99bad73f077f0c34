import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenerateClientCertificateCommand, GetClientCertificatesCommand } from '@aws-sdk/client-api-gateway';
import { afterEach, expect, test } from '@jest/globals';
import { BINARY, cli } from '../support/cli.js';
import { clientOf } from '../support/emulator.js';

const started: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => stop(child, 'SIGKILL')));
});

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, 'exit');
  }
  return child.exitCode;
}

/** Starts the command and waits until it has said where it listens. */
async function start(...flags: string[]): Promise<{ child: ChildProcess; url: string; clock: string }> {
  const words = [BINARY, 'emulator', '--port', '0', '--output', 'json', ...flags];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  let output = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    output += chunk.toString();
    if (output.endsWith('}\n')) break;
  }
  const { endpoint, clock } = JSON.parse(output) as { endpoint: string; clock: string };
  return { child, url: endpoint, clock };
}

test.each(['SIGINT', 'SIGTERM'] as const)('serves until %s, then ends well', async (signal) => {
  const { child, url } = await start();
  expect((await fetch(`${url}/_emulator/config`)).status).toBe(200);
  expect(await stop(child, signal)).toBe(0);
});

test('takes its settings from flags', async () => {
  const flags = '--clock -340d --rate-limit 7 --burst 9 --quota 3 --propagation-delay 1m30s --need-redeploy';
  const { url, clock } = await start(...flags.split(' '));
  expect(await (await fetch(`${url}/_emulator/config`)).json()).toEqual({
    rateLimit: { perSecond: 7, burst: 9 },
    certificateQuota: 3,
    propagationDelayMs: 90_000,
    testInvokeAcm: false,
    stackStepMs: 200,
    needRedeploy: true,
    deleteInUseStatus: 400,
  });
  const age = (Date.now() - new Date(clock).getTime()) / 86_400_000;
  expect(age).toBeGreaterThan(340);
  expect(age).toBeLessThan(340.01);
});

test('has after a kill what it had answered', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'apigw-cert-'));
  try {
    const first = await start('--data', dir);
    const made = await clientOf(first).send(new GenerateClientCertificateCommand({}));
    await stop(first.child, 'SIGKILL');
    const second = await start('--data', dir);
    const { items } = await clientOf(second).send(new GetClientCertificatesCommand({}));
    expect(items?.map(({ clientCertificateId }) => clientCertificateId)).toEqual([made.clientCertificateId]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('says in a sentence what is wrong with its flags', async () => {
  const { url } = await start();
  const taken = await cli(['emulator', '--port', new URL(url).port]);
  expect([taken.code, taken.stderr]).toEqual([
    1,
    expect.stringMatching(/^error: cannot listen on .*\n {2}fix: .*--port 0/),
  ]);
  for (const [flag, value, code] of [
    ['--port', '65536', 2],
    ['--rate-limit', 'fast', 2],
    ['--clock', 'yesterday', 2],
    ['--clock', '9999-01-01', 2],
    ['--clock', '-36000d', 2],
    ['--propagation-delay', '5', 2],
    ['--backend-ca', '/nonexistent.pem', 1],
    ['--backend-ca', BINARY, 1],
  ] as const) {
    const { code: got, stderr } = await cli(['emulator', flag, value]);
    expect([value, got, stderr]).toEqual([value, code, expect.stringMatching(/^error: .*\n {2}fix: /)]);
  }
});
