import { mkdtemp, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ShownSetting } from '../../src/configuration/show.js';
import { startAwsRecorder, type AwsRecorder } from '../support/aws-recorder.js';
import { cli } from '../support/cli.js';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'apigw-cert-config-'));
  file = join(directory, 'apigw-cert.yaml');
});

describe('config validate', () => {
  test('tells every mistake with its line, those of trust stores included, and exits with 2', async () => {
    await writeFile(
      file,
      `regoin: eu-west-1
targets:
  orders:
    api: orders
    stages: [prod]
    soak: 5
    trust:
      - { kind: stunnel }
      - { kind: pem-bundle, file: a.pem }
      - { kind: pem-bundle, file: a.pem }
`,
    );
    const { code, stdout, stderr } = await cli(['config', 'validate'], { cwd: directory });
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.slice(file.length, file.length + 30))).toEqual([
      ':1:1: unknown key "regoin"; di',
      ':6:11: targets.orders.soak mus',
      ':8:9: stunnel cannot hold the ',
      ':10:9: this target has the tru',
      '',
    ]);
    expect(lines.at(-1)).toBe('4 mistakes');
  });

  test('as JSON each mistake has its line, its column and its path', async () => {
    await writeFile(file, 'targets:\n  orders: { api: orders, stages: [prod], trust: [{ kind: nginx }] }\n');
    const { code, json } = await cli(['config', 'validate', file, '--output', 'json']);
    expect(code).toBe(2);
    expect(json()).toEqual({
      file,
      valid: false,
      problems: [
        {
          line: 2,
          column: 50,
          path: 'targets.orders.trust[0].file',
          message: 'targets.orders.trust[0].file is missing; it must be text',
        },
      ],
    });
  });

  test('more mistakes than a run tells are all told', async () => {
    await writeFile(file, Array.from({ length: 40 }, (_, i) => `key${i}: 1\n`).join(''));
    const { stdout } = await cli(['config', 'validate', file]);
    expect(stdout.trimEnd().split('\n')).toHaveLength(41);
  });

  test('finds nothing in a file that is right', async () => {
    await writeFile(file, 'region: eu-west-1\n');
    expect(await cli(['config', 'validate', file])).toMatchObject({
      code: 0,
      stdout: `✓ ${file}: no mistakes\n`,
    });
    const { json } = await cli(['config', 'validate', file, '--output', 'json']);
    expect(json()).toEqual({ file, valid: true, problems: [] });
  });

  test('a file that is not there, and none at all, are errors', async () => {
    const missing = await cli(['config', 'validate', join(directory, 'none.yaml'), '--output', 'json']);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.json()).toMatchObject({ error: { code: 'FileNotReadable' } });
    const none = await cli(['config', 'validate'], { cwd: directory, env: { HOME: directory } });
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toContain('no apigw-cert.yaml was found');
  });
});

describe('config show', () => {
  const show = async (
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Map<string, ShownSetting>> => {
    const result = await cli(['config', 'show', '--output', 'json', ...words], {
      cwd: directory,
      env: { HOME: directory, ...env },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const { items } = result.json() as { items: ShownSetting[] };
    return new Map(items.map((item) => [item.setting, item]));
  };
  const decided = (value: string, source: ShownSetting['source'], from: string) =>
    expect.objectContaining({ value, source, from });

  const FILE = `region: eu-west-1
renewBefore: 40%
thresholds: { warning: 60d, critical: 10d }
targets:
  orders:
    api: orders
    stages: [prod, beta]
    region: us-west-2
    soak: 1h30m
    probe: { path: /health, count: 7 }
    trust:
      - { kind: pem-bundle, file: orders.pem }
  billing:
    api: billing
    stages: [prod]
    trust: [{ kind: manual }]
accounts:
  - { profile: prod }
  - { profile: test, regions: all }
`;

  beforeEach(async () => {
    await mkdir(join(directory, '.aws'));
    await writeFile(
      join(directory, '.aws', 'config'),
      '[profile prod]\nregion = us-east-2\n[profile test]\nregion = eu-west-3\nendpoint_url = https://user:SECRET@aws.example/\n',
    );
  });

  test('each setting with what decided it: flag, target, file, environment, profile, default', async () => {
    await writeFile(file, FILE);
    const shown = await show(['--settle', '1m'], { AWS_PROFILE: 'test', XDG_STATE_HOME: '/var/lib' });
    expect(shown.get('configuration')).toEqual(decided(file, 'default', `found in ${directory}`));
    expect(shown.get('state')).toEqual(decided('/var/lib/apigw-cert', 'environment', 'XDG_STATE_HOME'));
    expect(shown.get('profile')).toEqual(decided('test', 'environment', 'AWS_PROFILE'));
    expect(shown.get('region')).toEqual(decided('eu-west-1', 'file', 'apigw-cert.yaml:1'));
    expect(shown.get('endpointUrl')).toEqual(
      decided('https://aws.example', 'profile', 'endpoint_url of the profile "test"'),
    );
    expect(shown.get('thresholds.critical')).toEqual(decided('10d', 'file', 'apigw-cert.yaml:3'));
    expect(shown.get('accounts.prod.regions')).toEqual(decided('eu-west-1', 'file', 'apigw-cert.yaml:1'));
    expect(shown.get('accounts.test.regions')).toEqual(decided('all', 'file', 'apigw-cert.yaml:19'));

    expect(shown.get('targets.orders.region')).toEqual(decided('us-west-2', 'file', 'apigw-cert.yaml:8'));
    expect(shown.get('targets.billing.region')).toEqual(decided('eu-west-1', 'file', 'apigw-cert.yaml:1'));
    expect(shown.get('targets.orders.stages')).toEqual(
      decided('orders/prod, orders/beta', 'file', 'apigw-cert.yaml:7'),
    );
    expect(shown.get('targets.orders.settle')).toEqual(decided('1m', 'flag', '--settle'));
    expect(shown.get('targets.orders.soak')).toEqual(decided('1h30m', 'file', 'apigw-cert.yaml:9'));
    expect(shown.get('targets.billing.soak')).toEqual(decided('5m', 'default', 'default'));
    expect(shown.get('targets.orders.renewBefore')).toEqual(decided('40%', 'file', 'apigw-cert.yaml:2'));
    expect(shown.get('targets.orders.probe.count')).toEqual(decided('7', 'file', 'apigw-cert.yaml:10'));
    expect(shown.get('targets.orders.trust[0]')).toEqual(
      decided(`pem-bundle, file: ${join(directory, 'orders.pem')}`, 'file', 'apigw-cert.yaml:12'),
    );
  });

  test('a stage of a target keeps what the file says, whatever flags say besides', async () => {
    const none = await show(['--stage', 'orders/prod', '--trust', 'pem-bundle:/x.pem'], {
      AWS_PROFILE: 'prod',
    });
    expect(none.get('configuration')).toEqual({
      setting: 'configuration',
      source: 'default',
      from: 'no file is read',
    });
    expect(none.get('rotate.soak')).toEqual(decided('5m', 'default', 'default'));
    expect(none.get('rotate.region')).toEqual(
      decided('us-east-2', 'profile', 'region of the profile "prod"'),
    );
    await writeFile(file, FILE);
    const shown = await show(['--stage', 'orders/prod', '--trust', 'pem-bundle:/x.pem']);
    expect(shown.get('configuration')).toEqual(decided(file, 'default', `found in ${directory}`));
    expect(shown.get('targets.orders.soak')).toEqual(decided('1h30m', 'file', 'apigw-cert.yaml:9'));
    expect(shown.get('targets.orders.region')).toEqual(decided('us-west-2', 'file', 'apigw-cert.yaml:8'));
    const withFile = await show(['--stage', 'orders/prod', '--trust', 'pem-bundle:/x.pem', '--config', file]);
    expect(withFile.get('configuration')).toEqual(decided(file, 'flag', '--config'));
    expect(withFile.get('targets.orders.soak')).toEqual(decided('1h30m', 'file', 'apigw-cert.yaml:9'));
    expect(withFile.get('targets.orders.trust[0]')).toEqual(
      decided('pem-bundle, file: /x.pem', 'flag', '--trust'),
    );
  });

  test('no secret is shown, whatever holds it', async () => {
    await writeFile(
      file,
      `targets:
  orders:
    api: orders
    stages: [prod]
    probe: { path: "/health?key=SECRET" }
    probeUrl: "https://user:SECRET@api.example/health?key=SECRET"
    trust:
      - { kind: pem-bundle, file: a.pem, reload: [curl, -H, "Authorization: SECRET"] }
      - { kind: command, add: "TOKEN=SECRET add", remove: "SECRET=SECRET", observe: [env, SECRET] }
    hooks: { done: "TOKEN=SECRET mail", failed: [logger, SECRET] }
notify:
  - { kind: webhook, url: "https://hooks.example/services/SECRET?SECRET" }
  - { kind: command, command: "curl SECRET" }
`,
    );
    const words = [
      'config',
      'show',
      '--profile',
      'test',
      '--probe-url',
      'https://SECRET@api.example/?SECRET',
    ];
    const env = {
      HOME: directory,
      HTTPS_PROXY: 'http://user:SECRET@proxy.example:3128',
      AWS_ACCESS_KEY_ID: 'AKIASECRET',
      AWS_SECRET_ACCESS_KEY: 'SECRET',
    };
    for (const output of ['text', 'json']) {
      const { code, stdout, stderr } = await cli([...words, '--output', output], { cwd: directory, env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toContain('SECRET');
      for (const part of [
        'curl …',
        'logger …',
        'proxy.example:3128',
        'https://hooks.example',
        'GET /health?…',
      ]) {
        expect(stdout).toContain(part);
      }
    }
  });

  test('a file with mistakes is refused as a run refuses it', async () => {
    await writeFile(file, 'regoin: x\n');
    const { code, stderr } = await cli(['config', 'show'], { cwd: directory });
    expect(code).toBe(2);
    expect(stderr).toContain(`${file}:1:1: unknown key "regoin"`);
  });

  describe('what it shows is what rotate calls', () => {
    let recorder: AwsRecorder;
    beforeAll(async () => {
      recorder = await startAwsRecorder(['ONE', 'TWO']);
    });
    afterAll(() => recorder.close());

    const cases: readonly (readonly [
      name: string,
      top: string,
      target: string,
      flags: readonly string[],
      env: Readonly<Record<string, string>>,
    ])[] = [
      ['default', '', '', [], {}],
      ['environment', '', '', [], { AWS_REGION: 'us-east-1', AWS_PROFILE: 'two' }],
      ['file before environment', 'region: eu-west-1', '', [], { AWS_REGION: 'us-east-1' }],
      ['target before file', 'region: eu-west-1', 'region: eu-west-2', [], { AWS_REGION: 'us-east-1' }],
      ['flag before target', 'profile: two', 'region: eu-west-2', ['--region', 'us-west-2'], {}],
      ['the profile of the file', 'profile: two', '', [], { AWS_PROFILE: 'one' }],
      ['the profile of the target', 'profile: two', 'profile: one', [], {}],
      ['the profile of the flag', 'profile: two', 'profile: two', ['--profile', 'one'], {}],
    ];

    test.each(cases)('%s', async (_name, top, target, flags, env) => {
      const keys = 'aws_access_key_id = AKIATEST\naws_secret_access_key = secret\n';
      const profile = (name: string, region: string, local: string): string =>
        `[${name}]\nregion = ${region}\nendpoint_url = ${recorder.local[local] ?? ''}\n${keys}`;
      await writeFile(
        join(directory, '.aws', 'config'),
        profile('default', 'eu-central-1', 'ONE') +
          profile('profile one', 'eu-north-1', 'ONE') +
          profile('profile two', 'eu-south-1', 'TWO'),
      );
      await writeFile(
        file,
        `${top}\ntargets:\n  orders:\n    api: orders\n    stages: [prod]\n    ${target}\n    trust: [{ kind: manual }]\n`,
      );
      const shown = await show(flags, env);
      await cli(['rotate', '--dry-run', ...flags], { cwd: directory, env: { HOME: directory, ...env } });
      const [call] = recorder.take().filter(({ service }) => service === 'apigateway');
      const value = (setting: string): string | undefined => shown.get(`targets.orders.${setting}`)?.value;
      expect(call?.region).toBe(value('region'));
      expect(recorder.local[call?.where ?? '']).toBe(value('endpointUrl'));
    });
  });
});
