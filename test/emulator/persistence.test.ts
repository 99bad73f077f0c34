import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetClientCertificateCommand,
  GetStageCommand,
  GenerateClientCertificateCommand,
  TagResourceCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startEmulator } from '../../src/emulator/index.js';
import { clientOf, startLab } from '../support/emulator.js';

let dataDir: string;
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'apigw-cert-')), 'state');
});
afterEach(() => {
  rmSync(join(dataDir, '..'), { recursive: true, force: true });
});

test('what was made is there after a restart, and still presented', async () => {
  const lab = await startLab({ dataDir });
  const { api, certificate, backend, client } = lab;
  const tags = { __proto__x: '1', constructor: '2', $map: '3' };
  const resourceArn = `arn:aws:apigateway:eu-central-1::/clientcertificates/${certificate.id}`;
  await client.send(new TagResourceCommand({ resourceArn, tags }));
  const stage = await client.send(new GetStageCommand(api));
  await lab.emulator.close();

  const again = await startEmulator({ dataDir, rateLimit: false, backendCa: backend.caPem });
  try {
    const restarted = clientOf(again);
    const { pemEncodedCertificate, tags: kept } = await restarted.send(
      new GetClientCertificateCommand({ clientCertificateId: certificate.id }),
    );
    expect({ pemEncodedCertificate, kept }).toEqual({ pemEncodedCertificate: certificate.pem, kept: tags });
    const stageAgain = await restarted.send(new GetStageCommand(api));
    expect({ ...stageAgain, $metadata: 0 }).toEqual({ ...stage, $metadata: 0 });
    const invokeUrl = api.invokeUrl.replace(lab.emulator.url, again.url);
    expect((await fetch(`${invokeUrl}/health`)).status).toBe(200);
    expect([...backend.accepted.keys()]).toEqual([certificate.fingerprint]);
  } finally {
    await again.close();
    await backend.close();
  }
});

test('an answered call is in the file, which its owner alone can read', async () => {
  const emulator = await startEmulator({ dataDir, rateLimit: false });
  try {
    const client = clientOf(emulator);
    const made = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { clientCertificateId } = await client.send(new GenerateClientCertificateCommand({}));
        return readFileSync(join(dataDir, 'state.json'), 'utf8').includes(String(clientCertificateId));
      }),
    );
    expect(made).toEqual([true, true, true, true, true]);
    expect(readdirSync(dataDir)).toEqual(['state.json']);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, 'state.json')).mode & 0o777).toBe(0o600);
  } finally {
    await emulator.close();
  }
});

test.each(['{', '{"format":2,"worlds":[]}'])('a state that is none stops the start: %s', async (text) => {
  const emulator = await startEmulator({ dataDir });
  await emulator.close();
  writeFileSync(join(dataDir, 'state.json'), text);
  await expect(startEmulator({ dataDir })).rejects.toMatchObject({ code: 'FileNotReadable' });
  expect(readFileSync(join(dataDir, 'state.json'), 'utf8')).toBe(text);
});
