import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { loadConfiguration as load, type ConfigurationSource } from '../../src/configuration/load.js';
import { findConfiguration, resolvePath } from '../../src/settings/find.js';
import type { AppError } from '../../src/platform/errors.js';

/** What the file says, and where it is. */
async function loadConfiguration(source?: ConfigurationSource) {
  const loaded = await load(source);
  return loaded && { ...loaded.configuration, file: loaded.file };
}

let directory: string;
const file = (): string => join(directory, 'apigw-cert.yaml');

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'apigw-cert-config-')));
});

function write(yaml: string | Buffer): string {
  writeFileSync(file(), yaml);
  return file();
}

/** What is wrong with the file, as `line:column: message`. */
async function problemsOf(yaml: string): Promise<string[]> {
  const error = await loadConfiguration({ file: write(yaml) }).then(
    () => undefined,
    (reason: unknown) => reason as AppError,
  );
  expect(error).toMatchObject({ code: 'ConfigurationInvalid', exitCode: 2 });
  return (error?.message ?? '').split('\n').map((line) => line.replace(`${file()}:`, ''));
}

const EXAMPLE = `
region: eu-west-1
renewBefore: 33%
targets:
  orders:
    api: orders                 # name or id
    stages: [prod]
    probe: { method: GET, path: /health, count: 5 }
    soak: 5m
    trust:
      - { kind: pem-bundle, file: /etc/orders/apigw.pem, reload: [systemctl, reload, orders] }
`;

describe('a right configuration', () => {
  test('is read into milliseconds and thresholds', async () => {
    expect(await loadConfiguration({ file: write(EXAMPLE) })).toEqual({
      file: file(),
      region: 'eu-west-1',
      renewBefore: { kind: 'share', percent: 33 },
      targets: {
        orders: {
          api: 'orders',
          stages: ['prod'],
          probe: { method: 'GET', path: '/health', count: 5 },
          soak: 300_000,
          trust: [
            { kind: 'pem-bundle', file: '/etc/orders/apigw.pem', reload: ['systemctl', 'reload', 'orders'] },
          ],
        },
      },
    });
  });

  test('may use every key there is', async () => {
    const configuration = await loadConfiguration({
      file: write(`
profile: ops
thresholds: { warning: 30d, critical: 5% }
regions: all
accounts:
  - { name: main, profile: main, regions: [eu-west-1, us-gov-east-1] }
  - { roleArn: "arn:aws:iam::123456789012:role/watch", externalId: x, regions: all }
notify:
  - { kind: sns, topicArn: "arn:aws:sns:eu-west-1:123456789012:certs" }
  - { kind: webhook, url: "https://example.com/hook", timeout: 10s }
  - { kind: command, command: [logger, -t, certs] }
targets:
  a:
    api: a1b2c3d4e5
    stages: [prod, beta]
    region: eu-central-1
    profile: other
    renewBefore: 30d
    keepOld: 7d
    settle: 30s
    allowUnproved: true
    probeUrl: https://api.example.com/health
    redeploy: never
    onlyStage: true
    allowDrift: true
    allowUncheckedBackend: false
    hooks: { pre: [./check], trusted: "echo trusted >> log", switched: [a], done: [b], failed: [c], timeout: 1m }
    trust: [{ kind: manual }]
`),
    });
    expect(configuration).toMatchObject({
      thresholds: { warning: { ms: 2_592_000_000 }, critical: { percent: 5 } },
      notify: [{}, { timeout: 10_000 }, {}],
      targets: { a: { keepOld: 604_800_000, hooks: { trusted: 'echo trusted >> log', timeout: '1m' } } },
    });
  });

  test.each(['', '# region: eu-west-1\n', '{}'])('may be empty: %j', async (yaml) => {
    expect(await loadConfiguration({ file: write(yaml) })).toEqual({ file: file() });
  });

  test('may share parts by anchors and merges', async () => {
    expect(await loadConfiguration({ file: write('{}') })).toEqual({ file: file() });
    const shared = await loadConfiguration({
      file: write(`
targets:
  a: &a { api: a, stages: [prod], soak: 5m, trust: &trust [{ kind: manual }] }
  b: { <<: *a, api: b, trust: *trust }
`),
    });
    expect(shared?.targets?.['b']).toEqual({
      api: 'b',
      stages: ['prod'],
      soak: 300_000,
      trust: [{ kind: 'manual' }],
    });
  });

  test('has the paths of its trust stores counted from its own directory', async () => {
    const yaml = `
targets:
  a:
    api: a
    stages: [prod]
    trust:
      - { kind: pem-bundle, file: certs/a.pem }
      - { kind: pem-bundle, file: ~/a.pem, reload: [a/b] }
      - { kind: directory, directory: ../pins }
`;
    const loaded = await loadConfiguration({ file: write(yaml) });
    expect(loaded?.targets?.['a']?.trust).toEqual([
      { kind: 'pem-bundle', file: join(directory, 'certs/a.pem') },
      { kind: 'pem-bundle', file: join(homedir(), 'a.pem'), reload: ['a/b'] },
      { kind: 'directory', directory: join(directory, '..', 'pins') },
    ]);
    expect(resolvePath('~other/x', '/d')).toBe('/d/~other/x');
  });
});

describe('a wrong configuration is refused with line, column and remedy', () => {
  const target = 'targets:\n  a:\n    api: a\n    stages: [prod]\n    trust: [{ kind: manual }]\n';

  test.each([
    ['regoin: eu-west-1', ['1:1: unknown key "regoin"; did you mean "region"?']],
    [`${target}    soack: 5m\n`, ['6:5: unknown key "soack" in targets.a; did you mean "soak"?']],
    [
      `${target}    hooks: { zzzzzz: x }\n`,
      [
        '6:14: unknown key "zzzzzz" in targets.a.hooks; valid are pre, trusted, switched, done, failed, timeout',
      ],
    ],
    [
      'a: 1\nb: 2\n',
      [expect.stringMatching(/^1:1: unknown key "a"; /), expect.stringMatching(/^2:1: unknown key "b"; /)],
    ],
    [
      'targets:\n  a:\n    stages: [x]\n    trust: [{ kind: manual }]\n',
      ['2:3: targets.a.api is missing; it must be text'],
    ],
    [
      `${target}    soak: 5\n`,
      ['6:11: targets.a.soak must be a length of time with its unit, such as "5m", not 5'],
    ],
    [
      `${target}    soak: 5 minutes\n`,
      [
        expect.stringMatching(
          /^6:11: targets\.a\.soak: "5 minutes" is not a duration; write numbers with the units/,
        ),
      ],
    ],
    [
      'renewBefore: 33',
      [
        '1:14: renewBefore must be a length of time such as "30d", or a share of the lifetime such as "33%", not 33',
      ],
    ],
    [
      'renewBefore: 100%',
      [expect.stringMatching(/^1:14: renewBefore: this is the whole validity of a certificate/)],
    ],
    [
      'thresholds: { warning: 7d, critical: 30d }',
      [
        expect.stringMatching(
          /^1:38: thresholds\.critical: the critical threshold \(30d\) lies before the warning one/,
        ),
      ],
    ],
    [
      'accounts:\n  - { name: 123, profile: a }',
      ['2:13: accounts[0].name must be text, not 123; put it in quotes'],
    ],
    [
      'targets:\n  a: { api: a, stages: [], trust: [{ kind: manual }] }',
      ['2:24: targets.a.stages must be filled in, not an empty list'],
    ],
    [
      'targets:\n  a: { api: a, stages: prod, trust: [{ kind: manual }] }',
      ['2:24: targets.a.stages must be a list, not "prod"'],
    ],
    [
      'targets:\n  a: { api: a, stages: [prod], trust: [{ file: x }] }',
      [
        expect.stringMatching(
          /^2:40: targets\.a\.trust\[0\]\.kind is missing; it must be one of .*pem-bundle, /,
        ),
      ],
    ],
    [
      'targets:\n  "a b": { api: a, stages: [prod], trust: [{ kind: manual }] }',
      ['2:3: the key "a b" must be a name of at most 64 letters, digits, ".", "_" and "-"'],
    ],
    [
      `${target}    acknowledge: all\n`,
      [
        '6:18: targets.a.acknowledge must be a mapping such as { hosts: all, reports: dynamodb:TABLE/NAME }, not "all"',
      ],
    ],
    [
      `${target}    acknowledge: { hosts: 12 }\n`,
      [
        '6:5: targets.a.acknowledge.reports is missing; it must be a place for reports: a folder, s3://BUCKET/PREFIX or dynamodb:TABLE/NAME',
      ],
    ],
    [
      `${target}    redeploy: maybe\n`,
      ['6:15: targets.a.redeploy must be one of never, always, not "maybe"'],
    ],
    [`${target}    allowDrift: yes\n`, ['6:17: targets.a.allowDrift must be true or false, not "yes"']],
    [
      `${target}    probe: { path: health }\n`,
      ['6:20: targets.a.probe.path must be a path that begins with "/", not "health"'],
    ],
    [
      `${target}    probe: { path: /, count: 0 }\n`,
      ['6:30: targets.a.probe.count must be at least 1, not 0'],
    ],
    [
      `${target}    hooks: { pre: [a, 1] }\n`,
      ['6:23: targets.a.hooks.pre[1] must be text, not 1; put it in quotes'],
    ],
    [
      `${target}    hooks: { pre: { a: b } }\n`,
      [
        expect.stringMatching(
          /^6:19: targets\.a\.hooks\.pre must be a list of arguments such as .* or one line/,
        ),
      ],
    ],
    [
      'targets:\n  a: { api: a, stages: [b], trust: [{ kind: pem-bundle, fiel: x }] }',
      [
        '2:37: targets.a.trust[0].file is missing; it must be text',
        '2:57: unknown key "fiel" in targets.a.trust[0]; did you mean "file"?',
      ],
    ],
    [
      'targets:\n  a: { api: a, stages: [b], trust: [{ kind: pem-bundle, file: x, reload: 5 }] }',
      ['2:74: targets.a.trust[0].reload must be a list or text, not 5'],
    ],
    [
      'targets:\n  a: { api: a, stages: [b], trust: [{ kind: pem-bundle, file: x, timeout: 5 }] }',
      ['2:75: targets.a.trust[0].timeout must be text, not 5; put it in quotes'],
    ],
    ['notify: [{ kind: mail }]', ['1:18: notify[0].kind must be one of sns, webhook, command, not "mail"']],
    [
      'notify: [{ kind: webhook, url: "file:///etc/passwd" }]',
      [expect.stringMatching(/^1:32: notify\[0\]\.url must be an http or https URL/)],
    ],
    ['accounts: [{ name: x }]', ['1:12: accounts[0]: an account needs a profile or a roleArn']],
    [
      'accounts: [{ profile: x, externalId: y }]',
      ['1:38: accounts[0].externalId: an external id has a meaning for a roleArn only'],
    ],
    ['accounts:\n  - profile: x\n  - profile: x\n', ['3:5: accounts[1]: this account is listed already']],
    [
      `${target}  b: { api: a, stages: [beta, prod], trust: [{ kind: manual }] }\n`,
      ['6:31: targets.b.stages[1]: this stage is already specified; a stage belongs to one target, once'],
    ],
    ...[
      ['[ssm:/id, ssm:/id]', 1],
      ['[ssm:/id, { kind: ssm, parameter: /id, region: eu-west-1 }]', 1],
      ['[ssm:/id, { kind: ssm, parameter: /id, profile: p }]', 1],
      ['[ssm:/id, { kind: ssm, parameter: /id, region: eu-west-2 }]', 0],
      ['[ssm:/id, { kind: ssm, parameter: /id, profile: q }]', 0],
      ['[ssm:/id, ssm:/other, file:id]', 0],
      ['[file:id, { kind: file, file: id }]', 1],
    ].map(([publish, refused]): [string, string[]] => [
      // The unknown key at the end has each of them be a mistake.
      `region: eu-west-1\nprofile: p\n${target}    publish: ${publish ?? ''}\n    x: 1\n`,
      [
        ...Array.from({ length: Number(refused) }, () =>
          expect.stringMatching(
            /^8:\d+: targets\.a\.publish\[1\]: another entry publishes to the same place/,
          ),
        ),
        expect.stringMatching(/unknown key "x"/),
      ] as unknown as string[],
    ]),
    [
      `${target}    publish: [ssm:/id]\n  b: { api: b, stages: [s], trust: [{ kind: manual }], publish: [ssm:/id] }\n`,
      [
        expect.stringMatching(
          /^7:\d+: targets\.b\.publish\[0\]: another entry publishes to the same place, which can hold one id$/,
        ),
      ],
    ],
    ...[
      [
        '{ cloudformation: orders, parameter: Id }\n    redeploy: always',
        /^7:\d+: targets\.a\.redeploy: a stage that its stack switches is deployed by its stack/,
      ],
      ['{ cloudformation: orders }', /^6:\d+: targets\.a\.switch\.parameter is missing/],
      [
        '{ cloudformation: a b, parameter: Id }',
        /^6:\d+: targets\.a\.switch\.cloudformation must be the name or the ARN of a CloudFormation stack/,
      ],
      [
        '{ cloudformation: orders, parameter: a-b }',
        /^6:\d+: targets\.a\.switch\.parameter must be the name of a parameter: letters and digits/,
      ],
    ].map(([text, message]): [string, string[]] => [
      `${target}    switch: ${String(text)}\n`,
      [expect.stringMatching(message ?? '') as unknown as string],
    ]),
    ['region: eu-west-1\nregion: eu-west-2\n', ['2:1: Map keys must be unique']],
    ['region: "eu', [expect.stringMatching(/^1:\d+: /)]],
    ['region: !secret x', [expect.stringMatching(/^1:9: Unresolved tag: !secret/)]],
    ['a: 1\n---\nb: 2\n', [expect.stringMatching(/^2:1: Source contains multiple documents/)]],
    ['- a', ['1:1: the file must be a mapping, not a list']],
    ['"a\\e[31m": 1', [expect.stringMatching(/^1:1: unknown key "a\\u001b\[31m"; valid are region/)]],
    ['__proto__: { region: x }', [expect.stringMatching(/^1:1: unknown key "__proto__"/)]],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]`,
      ['1:1: Excessive alias count indicates a resource exhaustion attack'],
    ],
  ])('%j', async (yaml, problems) => {
    expect(await problemsOf(yaml)).toEqual(problems);
  });

  test('a mistake in a part that is shared is shown where it is written', async () => {
    const yaml = `
targets:
  a: { api: a, stages: [prod], trust: &trust [{ kind: pem-bundle, file: 5 }] }
  b: { api: b, stages: [prod], trust: *trust }
`;
    expect(await problemsOf(yaml)).toEqual([
      '3:73: targets.a.trust[0].file must be text, not 5; put it in quotes',
      '3:73: targets.b.trust[0].file must be text, not 5; put it in quotes',
    ]);
  });

  test('several at once, in the order of the file, and no more than twenty', async () => {
    const many = await problemsOf(Array.from({ length: 30 }, (_, n) => `unknown${n}: 1`).join('\n'));
    expect(many).toHaveLength(21);
    expect(many.at(-1)).toBe('and 10 more');
  });

  test('20,000 of them take about ten times as long as 2,000', async () => {
    /** Processor time in ms, which does not grow with what else the machine does. */
    const spentOn = async (count: number): Promise<number> => {
      const before = process.cpuUsage().user;
      const found = await problemsOf(Array.from({ length: count }, (_, n) => `unknown${n}: 1`).join('\n'));
      expect(found.at(-1)).toBe(`and ${count - 20} more`);
      return (process.cpuUsage().user - before) / 1000;
    };
    await spentOn(2_000);
    // Where each is searched for among all, a hundred times.
    expect((await spentOn(20_000)) / (await spentOn(2_000))).toBeLessThan(40);
  });

  test.each([
    ['lists', '['.repeat(20_000)],
    ['mappings', '{a: '.repeat(20_000)],
    ['blocks', Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('20,000 %s inside each other are a mistake, not an overflow', async (_, yaml) => {
    const [first, ...others] = await problemsOf(yaml);
    expect(first).toMatch(/^\d+:\d+: \S/);
    expect(others.length).toBeLessThanOrEqual(20);
  });

  test.each([
    ['larger than 1 MiB', Buffer.alloc(1024 * 1024 + 1, '#')],
    ['not text in UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff])],
  ])('a file %s', async (message, content) => {
    await expect(loadConfiguration({ file: write(content) })).rejects.toMatchObject({
      code: 'ConfigurationInvalid',
      message: expect.stringContaining(message),
    });
  });

  test.each(['missing.yaml', '.'])('a file that cannot be read: %s', async (name) => {
    await expect(loadConfiguration({ file: name, cwd: directory })).rejects.toMatchObject({
      code: 'FileNotReadable',
      message: expect.stringContaining(directory),
    });
  });
});

describe('where it is found', () => {
  const place = (path: string): string => {
    mkdirSync(join(directory, path), { recursive: true });
    const placed = join(directory, path, 'apigw-cert.yaml');
    writeFileSync(placed, '{}');
    return placed;
  };

  test('upwards from the working directory, nearest first, then the user’s own', async () => {
    mkdirSync(join(directory, 'a/b/c'), { recursive: true });
    const source = { cwd: join(directory, 'a/b/c'), env: { XDG_CONFIG_HOME: join(directory, 'xdg') } };
    expect(await loadConfiguration(source)).toBeUndefined();
    const own = place('xdg/apigw-cert');
    expect(await findConfiguration(source)).toBe(own);
    const top = place('.');
    expect(await findConfiguration(source)).toBe(top);
    const near = place('a/b');
    expect((await loadConfiguration(source))?.file).toBe(near);
    expect((await loadConfiguration({ ...source, file: '../../../apigw-cert.yaml' }))?.file).toBe(top);
  });

  test('a directory of that name is passed over', async () => {
    mkdirSync(join(directory, 'a/apigw-cert.yaml'), { recursive: true });
    const top = place('.');
    expect(await findConfiguration({ cwd: join(directory, 'a') })).toBe(top);
  });

  test('one that anybody may write to is refused when found, and used when named', async () => {
    const found = place('.');
    chmodSync(found, 0o666);
    await expect(loadConfiguration({ cwd: directory })).rejects.toMatchObject({
      code: 'ConfigurationInvalid',
      hint: expect.stringContaining('--config'),
    });
    expect(await loadConfiguration({ file: found })).toEqual({ file: found });
  });

  // Only root can give a file away; CI runs as root.
  (process.getuid?.() === 0 ? test : test.skip)('one of another user is refused when found', async () => {
    chownSync(place('.'), 12345, 12345);
    await expect(findConfiguration({ cwd: directory })).rejects.toMatchObject({
      message: expect.stringContaining('another user'),
    });
  });
});
