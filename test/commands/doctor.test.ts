import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startBackend } from '../support/backend.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { generateCertificate, startLab, type Lab } from '../support/emulator.js';
import { sarifErrors } from '../support/sarif.js';

let lab: Lab;
let env: Record<string, string>;
beforeEach(async () => {
  lab = await startLab();
  env = emulatorEnv(lab.emulator);
});
afterEach(() => lab.close());

const words = ['doctor', '--stage', 'orders/prod'];

interface Report {
  otherCertificateId: string | null;
  probes: Record<'current' | 'without' | 'other', { accepted: boolean }[]>;
  findings: { code: string; severity: string }[];
}

test('a stage whose backend lets in its certificate alone has no errors, and nothing was changed', async () => {
  const other = await generateCertificate(lab.client);
  lab.emulator.clearRequests();
  const { code, json } = await cli([...words, '--output', 'json'], { env });
  expect(code).toBe(0);
  const report = json() as Report;
  expect(report.findings).toEqual([]);
  expect(report.otherCertificateId).toBe(other.id);
  expect(Object.entries(report.probes).map(([name, [first]]) => [name, first?.accepted])).toEqual([
    ['current', true],
    ['without', false],
    ['other', false],
  ]);
  const changing = lab.emulator.requests().filter(({ method }) => method !== 'GET');
  expect(new Set(changing.map(({ operation }) => operation))).toEqual(new Set(['TestInvokeMethod']));
  expect(changing).toHaveLength(3);
});

test('without an unused certificate none is made for the purpose', async () => {
  lab.emulator.clearRequests();
  const { code, stdout } = await cli(words, { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/\ninfo: the account has no unused certificate .*\[OtherNotTried\]\n {2}fix: /);
  expect(stdout).toMatch(/\n1 info\n$/);
  expect(lab.emulator.requests().map(({ operation }) => operation)).not.toContain(
    'GenerateClientCertificate',
  );
});

test('a backend that trusts another, and not the current: exit 1, worst first, with what was seen', async () => {
  const other = await generateCertificate(lab.client);
  lab.backend.pins.clear();
  lab.backend.pins.add(other.fingerprint);
  const { code, stdout } = await cli(words, { env });
  expect(code).toBe(1);
  expect(stdout).toMatch(/with it +localhost:\d+ refuses with 403/);
  expect(stdout).toMatch(/critical: localhost:\d+ answered 403.*\[BackendRefusesCurrent\]/);
  expect(stdout).toMatch(/critical: localhost:\d+ answered 200: .*\[BackendAdmitsOther\]/);
  expect(stdout).toMatch(/\n2 critical\n$/);
});

test('a permission that is missing is a finding, and the rest is looked at', async () => {
  lab.emulator.addFault({
    operation: 'TestInvokeMethod',
    occurrence: 'every',
    kind: 'error',
    code: 'AccessDeniedException',
    status: 403,
  });
  const { code, json } = await cli([...words, '--output', 'json'], { env });
  expect(code).toBe(1);
  expect((json() as Report).findings).toMatchObject([
    {
      code: 'PermissionMissing',
      severity: 'critical',
      message: expect.stringMatching(/TestInvokeMethod.*allow apigateway:POST on /),
      region: 'eu-central-1',
      stage: { restApiId: lab.api.restApiId, apiName: 'orders', stageName: 'prod' },
    },
  ]);
});

test('--probe names the call; one that does not exist is said', async () => {
  const named = await cli([...words, '--probe', 'GET /status/500'], { env });
  expect(named.code).toBe(1);
  expect(named.stdout).toMatch(/answered 500.*\[BackendAnswersNobody\]/);
  const { code, stderr } = await cli([...words, '--probe', 'nonsense'], { env });
  expect(code).toBe(2);
  expect(stderr).toMatch(/"nonsense" is not a probe\n {2}fix: /);
});

test('--output sarif is valid, and names the stage', async () => {
  lab.backend.pins.clear();
  const { json, code } = await cli([...words, '--output', 'sarif'], { env });
  expect(code).toBe(1);
  expect(sarifErrors(json())).toEqual([]);
  expect(json()).toMatchObject({
    runs: [
      {
        results: [
          {
            ruleId: 'BackendRefusesCurrent',
            level: 'error',
            locations: [
              {
                physicalLocation: { artifactLocation: { uri: `aws/eu-central-1/${lab.api.restApiId}/prod` } },
                logicalLocations: [{ fullyQualifiedName: `eu-central-1/${lab.api.restApiId}/prod` }],
              },
            ],
          },
          { ruleId: 'OtherNotTried', level: 'note' },
        ],
      },
    ],
  });
});

test('a backend whose own certificate is not accepted is told so, and not of its client certificate', async () => {
  const other = await startBackend();
  const stranger = await startLab({ backendCa: other.caPem });
  try {
    const { code, stdout } = await cli(words, { env: emulatorEnv(stranger.emulator) });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^critical: localhost:\d+ \(.*PKIX path building failed.*\[BackendCertificateNotAccepted\]$/m,
    );
    expect(stdout).not.toMatch(/BackendRefusesCurrent|BackendAnswersNobody/);
    expect(stdout).toMatch(/^endpoint type +edge-optimized/m);
  } finally {
    await stranger.close();
    await other.close();
  }
});
