import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { rotateCli, rotateWords, stateOf } from '../support/rotate-cli.js';
import { startRotationLab, startTraffic, type RotationLab } from '../support/rotation.js';

interface Report {
  items: {
    target?: string;
    outcome?: string;
    oldCertificateId?: string;
    newCertificateId?: string;
    steps?: { step: string }[];
    warnings?: { code: string }[];
    error?: { code: string; message: string; hint?: string };
  }[];
}

const lines = async (file: string): Promise<Record<string, unknown>[]> =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('rotate, from a certificate that is due', () => {
  let lab: RotationLab;
  beforeEach(async () => {
    lab = await startRotationLab({ propagationDelayMs: 200 });
  });
  afterEach(() => lab.close());

  const report = async (...words: string[]): Promise<{ code: number | undefined; report: Report }> => {
    const { code, json } = await rotateCli(lab, '--output', 'json', ...words);
    return { code, report: json() as Report };
  };

  test('replaces it under traffic and says so; the next run has nothing to do', async () => {
    const traffic = startTraffic(`${lab.api.invokeUrl}/health`);
    const { code, stdout, stderr } = await rotateCli(lab);
    const { failed } = await traffic.stop();
    const { certificates, presented, trusted } = await stateOf(lab);

    expect(code).toBe(0);
    expect(failed).toEqual([]);
    expect({ certificates, trusted }).toEqual({ certificates: [presented], trusted: [presented] });
    expect(presented).not.toBe(lab.oldId);
    expect(stdout).toContain(
      `rotated orders/prod (${lab.api.restApiId}): ${lab.oldId} → ${presented ?? ''}, expires `,
    );
    expect(stderr).toContain(`terraform import aws_api_gateway_client_certificate.NAME ${presented ?? ''}`);
    expect(stderr).toMatch(
      /^account of .*, Region .*\nstarting rotation \S+ of \w{6} for orders\/prod \(\w+\)\n/,
    );
    expect(stderr.match(/^✓ /gm)).toHaveLength(12);
    expect(stderr).not.toContain('\u001b');

    const again = await rotateCli(lab);
    expect({ code: again.code, stderr: again.stderr }).toEqual({
      code: 0,
      stderr: `account of the access key AKIDTEST, Region eu-central-1, endpoint ${lab.emulator.url.replace('127.0.0.1', 'localhost')}\n`,
    });
    expect(again.stdout).toMatch(
      /^orders\/prod \(\w+\): \w{6} is not due for renewal before \S+Z \(expires \S+Z\): nothing to do\n$/,
    );
  });

  test('asks AWS for nothing that could be left out', async () => {
    lab.emulator.clearRequests();
    expect((await rotateCli(lab, '--probe-count', '5')).code).toBe(0);
    const all = lab.emulator.requests().map(({ operation }) => operation);
    const calls = all.filter((operation) => operation !== 'TestInvokeMethod');
    // Several things are asked at once, in any order; what is written is in order.
    const WRITES = /^(?:Generate|Update|Delete|Tag|Untag)/;
    const groups = calls.reduce<string[][]>(
      (all, call) => {
        const last = all.at(-1) ?? [];
        if (WRITES.test(call)) return [...all.slice(0, -1), last.sort(), [call], []];
        last.push(call);
        return all;
      },
      [[]],
    );
    expect(groups).toEqual([
      // Which stage is meant, who else shares its certificate, and how its backend can be asked.
      ['GetApis', 'GetClientCertificates', 'GetResources', 'GetRestApis', 'GetStages'],
      ['GenerateClientCertificate'],
      // Right before the switch: whether others were at work.
      ['GetClientCertificates', 'GetStage'],
      ['UpdateStage'],
      // Right after it, and after the soak: whether any stage still presents the old one, and others were at work.
      ['GetApis', 'GetClientCertificates', 'GetRestApis', 'GetStage', 'GetStages'],
      ['DeleteClientCertificate'],
      [],
      // The trust in the old one has ended, so that its mark need not say any more what to look for.
      ['UntagResource'],
      [],
    ]);
    // New and old five times, one without a certificate; at the end new five times and one without: the old one does not
    // exist any more. Beyond that, each look at a backend that has not read its file again yet.
    const probes = all.length - calls.length;
    expect(probes).toBeGreaterThanOrEqual(17);
    expect(probes).toBeLessThanOrEqual(17 + 10);
  });

  test('--dry-run tells every step and touches nothing', async () => {
    const before = await readFile(lab.trustFile, 'utf8');
    lab.emulator.clearRequests();
    const { code, stdout } = await rotateCli(lab, '--dry-run', '--keep-old', '7d');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^would rotate orders\/prod \(\w+\), which presents \w{6}:\n {3}1\. generate the new certificate\n/,
    );
    expect(stdout).toMatch(
      /8\. keep the old certificate: until \S+\n[^]*10\. delete the old certificate: \w{6}\n[^]*13\. remove the rotation mark\ncalls to backends:\n {2}GET \/health → [^\n]+\nnothing was changed\n$/,
    );
    expect(lab.emulator.requests().map(({ method }) => method)).not.toContain('POST');
    expect(await readFile(lab.trustFile, 'utf8')).toBe(before);
    await expect(readFile(join(lab.directory, 'state'), 'utf8')).rejects.toThrow('ENOENT');
  });

  test('--events FILE has a JSON line for each event, beside the one document on stdout', async () => {
    const file = join(lab.directory, 'events.jsonl');
    const { code, report: document } = await report('--events', file);
    expect(code).toBe(0);
    expect(document.items).toMatchObject([
      { outcome: 'completed', oldCertificateId: lab.oldId, warnings: [] },
    ]);
    const events = await lines(file);
    expect(events[0]).toMatchObject({ type: 'started', oldCertificateId: lab.oldId, resumed: false });
    expect(events.at(-1)).toMatchObject({ type: 'ended', outcome: 'completed' });
    expect(events.filter(({ type }) => type === 'stepDone').map(({ step }) => step)).toEqual(
      document.items[0]?.steps?.map(({ step }) => step),
    );
  });

  test('--events - puts them, and nothing else, on stdout', async () => {
    const { code, stdout } = await rotateCli(lab, '--events', '-');
    expect(code).toBe(0);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['started', 'stepDone', 'ended']));
  });

  test('a target of the configuration, found upwards, with its probe and its hooks', async () => {
    const log = join(lab.directory, 'hooks');
    const yaml = `
region: eu-central-1
targets:
  orders:
    api: orders
    stages: [prod]
    probe: { path: /health, count: 2 }
    soak: 500ms
    trust: [{ kind: pem-bundle, file: ./apigw.pem }]
    hooks:
      pre: "echo pre $APIGW_CERT_OLD_ID $APIGW_CERT_NEW_ID. >> ${log}"
      trusted: [sh, -c, "echo trusted $APIGW_CERT_NEW_ID >> ${log}"]
      switched: "openssl x509 -noout -fingerprint -sha256 >> ${log}"
      done: "echo done $APIGW_CERT_STAGE_COUNT $APIGW_CERT_STAGES $APIGW_CERT_REGION >> ${log}"
      failed: "echo failed >> ${log}"
`;
    await writeFile(join(lab.directory, 'apigw-cert.yaml'), yaml);
    const below = join(lab.directory, 'a', 'b');
    await mkdir(below, { recursive: true });
    const { code, json } = await cli(['rotate', '--target', 'orders', '--output', 'json'], {
      env: lab.env,
      cwd: below,
    });
    expect(code).toBe(0);
    const { presented } = await stateOf(lab);
    expect((json() as Report).items).toMatchObject([
      { target: 'orders', outcome: 'completed', newCertificateId: presented },
    ]);
    expect((await readFile(log, 'utf8')).split('\n')).toEqual([
      `pre ${lab.oldId} .`,
      `trusted ${presented ?? ''}`,
      expect.stringMatching(/^sha256 Fingerprint=([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
      `done 1 ${lab.api.restApiId}/prod eu-central-1`,
      '',
    ]);
  });

  test.each(['pre', 'trusted'])(
    'a failing hook "%s" stops it before the switch, and `failed` hears of it',
    async (hook) => {
      const log = join(lab.directory, 'hooks');
      const config = join(lab.directory, 'c.yaml');
      const trust = `[{ kind: pem-bundle, file: ${lab.trustFile} }]`;
      const hooks = `{ ${hook}: [sh, -c, "echo no >&2; exit 3"], failed: "echo failed $APIGW_CERT_HOOK >> ${log}" }`;
      await writeFile(
        config,
        `targets: { t: { api: orders, stages: [prod], trust: ${trust}, hooks: ${hooks} } }\n`,
      );
      const before = await stateOf(lab);
      const { code, stderr } = await cli(['rotate', '--config', config], { env: lab.env });
      expect(code).toBe(1);
      expect(stderr).toContain(`error: t, orders/prod (${lab.api.restApiId}): the hook "${hook}" failed`);
      expect(await stateOf(lab)).toEqual(before);
      expect(await readFile(log, 'utf8')).toBe('failed failed\n');
      const { stdout } = await cli(['status'], { env: lab.env });
      expect(stdout).toMatch(/^cancelled /);
    },
  );

  test('a hook that hangs is ended after its timeout, with all that it started', async () => {
    const config = join(lab.directory, 'c.yaml');
    const trust = `[{ kind: pem-bundle, file: ${lab.trustFile} }]`;
    const hooks = '{ pre: "sleep 60 & wait", timeout: 300ms }';
    await writeFile(
      config,
      `targets: { t: { api: orders, stages: [prod], trust: ${trust}, hooks: ${hooks} } }\n`,
    );
    const { code, stderr } = await cli(['rotate', '--config', config], { env: lab.env });
    expect(code).toBe(1);
    expect(stderr).toContain('did not end within 300ms');
  });

  test('a hook that fails after the switch leaves the new certificate in use; the next run goes on', async () => {
    const config = join(lab.directory, 'c.yaml');
    const gate = join(lab.directory, 'gate');
    const trust = `[{ kind: pem-bundle, file: ${lab.trustFile} }]`;
    const hooks = `{ switched: [test, -e, ${gate}] }`;
    await writeFile(
      config,
      `targets: { t: { api: orders, stages: [prod], soak: 300ms, trust: ${trust}, hooks: ${hooks} } }\n`,
    );
    expect((await cli(['rotate', '--config', config], { env: lab.env })).code).toBe(1);
    const between = await stateOf(lab);
    expect(between.presented).not.toBe(lab.oldId);
    expect(between.certificates).toHaveLength(2);
    await writeFile(gate, '');
    const { code, stderr } = await cli(['rotate', '--config', config], { env: lab.env });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^account of .*\nresuming rotation /);
    expect((await stateOf(lab)).certificates).toEqual([between.presented]);
  });

  test('tags that are denied: the description carries the mark, and a later run finds it', async () => {
    lab.emulator.addFault({
      operation: 'GenerateClientCertificate',
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
      message: 'not authorized to perform apigateway:TagResource',
    });
    expect((await rotateCli(lab, '--no-wait', '--soak', '1h')).code).toBe(75);
    const [made] = (await lab.controlPlane.getClientCertificates()).filter(
      ({ clientCertificateId }) => clientCertificateId !== lab.oldId,
    );
    expect(made?.tags).toEqual({});
    expect(made?.description).toMatch(
      new RegExp(`^\\[apigw-cert rotation=\\S+ replaces=${lab.oldId} replaces-sha256=[0-9A-F:]{95}\\]$`),
    );
    expect((await rotateCli(lab)).code).toBe(0);
    expect((await stateOf(lab)).certificates).toEqual([made?.clientCertificateId]);
  });

  test('--all rotates every certificate that a stage presents', async () => {
    const { code, json } = await cli(
      [
        ...rotateWords(lab, '--output', 'json').filter(
          (word, i, all) => word !== '--stage' && all[i - 1] !== '--stage',
        ),
        '--all',
      ],
      { env: lab.env },
    );
    expect(code).toBe(0);
    expect((json() as Report).items).toMatchObject([{ outcome: 'completed', oldCertificateId: lab.oldId }]);
  });

  test('an expired old certificate is replaced all the same, with a warning', async () => {
    await lab.close();
    lab = await startRotationLab({ ageDays: 366 });
    const { code, report: document } = await report();
    expect(document.items).toMatchObject([{ outcome: 'completed' }]);
    expect(document.items[0]?.warnings?.map(({ code: warning }) => warning)).toContain(
      'OldCertificateExpired',
    );
    expect(code).toBe(0);
  });

  test('lost answers and throttling on the way are no reason to stop', async () => {
    for (const operation of ['GenerateClientCertificate', 'UpdateStage', 'DeleteClientCertificate'] as const)
      lab.emulator.addFault({ operation, kind: 'cutAfter' });
    lab.emulator.addFault({ operation: 'GetStage', kind: 'throttle' });
    expect((await rotateCli(lab)).code).toBe(0);
    const { certificates, presented } = await stateOf(lab);
    expect(certificates).toEqual([presented]);
  });
});

describe('rotate, with words that are wrong', () => {
  let lab: RotationLab;
  beforeAll(async () => {
    lab = await startRotationLab();
  });
  afterAll(() => lab.close());

  const target = ['--stage', 'orders/prod', '--trust', 'manual'];

  test.each<[string, string[], string]>([
    ['no target at all', [], 'no stage to rotate is specified'],
    ['two ways to name it', ['--stage', 'orders/prod', '--all'], '--stage and --all cannot be used together'],
    ['an API without a stage', ['--api', 'orders'], '--api needs --stage'],
    [
      'a trust store that is none',
      ['--stage', 'orders/prod', '--trust', 'nonsense'],
      '--trust "nonsense": unknown kind of trust store',
    ],
    ['a duration without its unit', [...target, '--soak', '5'], '"5" is not a duration: its unit is missing'],
    ['a negative duration', [...target, '--keep-old=-1d'], 'it is negative'],
    ['probes that are none', [...target, '--probe-count', '0'], 'from 1 to 100'],
    ['a probe that is none', [...target, '--probe', 'health'], '"health" is not a probe'],
    ['a URL that is none', [...target, '--probe-url', 'ftp://x'], 'is not an http or https URL'],
    [
      'a renewal window of a whole life',
      [...target, '--renew-before', '100%'],
      "covers the certificate's whole life",
    ],
    ['redeploy sometimes', [...target, '--redeploy', 'sometimes'], 'is not one of never, always'],
    ['a splay of a year', [...target, '--splay', '365d'], 'longer than a day'],
    [
      'events that cannot be written',
      [...target, '--events', '/dev/null/x'],
      '/dev/null/x cannot be written',
    ],
    [
      'events and a document on one stdout',
      [...target, '--events', '-', '--output', 'json'],
      'both write to stdout',
    ],
    ['two stores of one name', [...target, '--trust', 'manual'], 'two trust stores have the name manual'],
    [
      'a reload without its file',
      [...target, '--reload', 'true'],
      '--reload needs a trust store that can be reloaded',
    ],
  ])('%s', async (_, words, message) => {
    const { code, stderr } = await cli(['rotate', ...words], { env: lab.env });
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(await lab.controlPlane.getClientCertificates()).toHaveLength(1);
  });

  test('a failure is one JSON document where that is asked for', async () => {
    const { code, json } = await cli(['rotate', ...target, '--events', '/dev/null/x', '--output', 'json'], {
      env: lab.env,
    });
    expect(code).toBe(2);
    expect(json()).toMatchObject({ error: { code: 'Usage' } });
    const failed = await cli(['rotate', '--stage', 'orders/nope', '--output', 'json'], { env: lab.env });
    expect(failed.code).toBe(1);
    expect(failed.json()).toMatchObject({ items: [{ error: { code: 'StageNotFound' } }] });
  });
});
