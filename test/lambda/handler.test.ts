import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GetClientCertificatesCommand } from '@aws-sdk/client-api-gateway';
import { openReports } from '../../src/acknowledgements/reports.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { parseReportPlace } from '../../src/settings/report-place.js';
import type { CheckAnswer, PlanAnswer } from '../../src/lambda/index.js';
import { startKubernetesDouble } from '../support/kubernetes-double.js';
import { startTraffic, type Traffic } from '../support/rotation.js';
import { startS3Double } from '../support/s3-double.js';
import { presented, startServiceLab, type ServiceLab } from '../support/service-lab.js';

let lab: ServiceLab;
const IS_FULL = process.env['APIGW_CERT_FULL'] !== undefined;

const certificateIds = async (): Promise<string[]> =>
  ((await lab.client.send(new GetClientCertificatesCommand({}))).items ?? []).map(({ clientCertificateId }) =>
    String(clientCertificateId),
  );
const parsed = (): Record<string, unknown>[] =>
  lab.lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('rotate', () => {
  let traffic: Traffic | undefined;
  beforeEach(async () => {
    lab = await startServiceLab();
  });
  afterEach(async () => {
    await traffic?.stop();
    traffic = undefined;
    await lab.close();
  });

  test('takes a certificate round by round to its successor, without a failed request', async () => {
    traffic = startTraffic(`${lab.api.invokeUrl}/health`, { lanes: 2 });
    const first = await lab.rotate();
    expect(first).toMatchObject({
      request: 'rotate',
      target: 'orders',
      status: 'waiting',
      code: 'RotationWaiting',
      certificates: [{ status: 'waiting', stage: 'orders/prod' }],
    });
    if (first.status !== 'waiting') throw new Error('not waiting');
    const newId = await presented(lab);
    expect(newId).not.toBe(lab.certificate.id);
    expect(Date.parse(first.until) - lab.now().getTime()).toBeGreaterThan(290_000);
    expect(await lab.rotate()).toMatchObject({ status: 'waiting', until: first.until });
    lab.pass(first.until);
    expect(await lab.rotate()).toMatchObject({
      status: 'done',
      outcome: 'completed',
      certificates: [{ oldCertificateId: lab.certificate.id, newCertificateId: newId }],
    });
    expect(await certificateIds()).toEqual([newId]);
    expect(await lab.rotate()).toMatchObject({ status: 'done', outcome: 'notDue' });
    expect(await traffic.stop()).toMatchObject({ failed: [] });

    const metrics = parsed().filter((line) => '_aws' in line);
    expect(
      metrics.map(({ Rounds, Done, Waiting, Attention, Rotated, status }) => [
        status,
        [Rounds, Done, Waiting, Attention, Rotated],
      ]),
    ).toEqual([
      ['waiting', [1, 0, 1, 0, 0]],
      ['waiting', [1, 0, 1, 0, 0]],
      ['done', [1, 1, 0, 0, 1]],
      ['done', [1, 1, 0, 0, 0]],
    ]);
    expect(metrics.every(({ ApiCalls }) => Number(ApiCalls) >= 3)).toBe(true);
  });

  test('waits for keepOld, and says until when', async () => {
    const config = await lab.configure(lab.target('    keepOld: 7d\n    soak: 0s'));
    const kept = await lab.rotate({}, { config });
    expect(kept).toMatchObject({ status: 'waiting', code: 'KeepingOld' });
    if (kept.status !== 'waiting') throw new Error('not waiting');
    expect(Math.round((Date.parse(kept.until) - lab.now().getTime()) / 86_400_000)).toBe(7);
    lab.pass(kept.until);
    expect(await lab.rotate({}, { config })).toMatchObject({ status: 'done', outcome: 'completed' });
  });

  test('stops before the switch until it is approved, and takes it all back when it is aborted', async () => {
    const held = await lab.rotate({ approval: 'required' });
    expect(held).toMatchObject({ status: 'attention', code: 'ConfirmationNeeded', isTemporary: false });
    expect(await presented(lab)).toBe(lab.certificate.id);
    expect(await certificateIds()).toHaveLength(2);
    const config = await lab.configure(lab.target('    approve: before-switch'));
    expect(await lab.rotate({}, { config })).toMatchObject({
      code: 'ConfirmationNeeded',
      reason: expect.stringMatching(
        /^not approved: switch orders\/prod to \w+\? The backends accept both certificates$/,
      ),
    });
    expect(await certificateIds()).toHaveLength(2);

    let aborted = await lab.rotate({ abort: true });
    if (aborted.status === 'waiting') {
      lab.pass(aborted.until);
      aborted = await lab.rotate({ abort: true });
    }
    expect(aborted).toMatchObject({ status: 'done', outcome: 'aborted' });
    expect(await certificateIds()).toEqual([lab.certificate.id]);

    expect(await lab.rotate({ approval: 'given' }, { config })).toMatchObject({ status: 'waiting' });
    expect(await presented(lab)).not.toBe(lab.certificate.id);
  });

  test('needs attention where the backend refuses, and nothing is switched', async () => {
    lab.backend.pins.has = (fingerprint) => fingerprint === lab.certificate.fingerprint;
    const config = await lab.configure(lab.target().replace('settle: 2s', 'settle: 0s'));
    expect(await lab.rotate({}, { config })).toMatchObject({
      status: 'attention',
      code: 'NewCertificateRefused',
      isTemporary: false,
      remedy: expect.stringContaining('trust store'),
    });
    expect(await presented(lab)).toBe(lab.certificate.id);
  });

  test('stops after its step when the time of the function is over, and goes on in the next round', async () => {
    const config = await lab.configure(lab.target().replace('settle: 2s', 'settle: 0s'));
    expect(await lab.rotate({}, { config, left: 15_000 })).toMatchObject({
      status: 'waiting',
      code: 'Interrupted',
      until: expect.stringMatching(/^20.*Z$/),
    });
    expect(await lab.rotate({}, { config })).toMatchObject({ status: 'waiting', code: 'RotationWaiting' });
  });

  test('keeps its state in S3 as well', async () => {
    const s3 = await startS3Double();
    s3.buckets.add('example-state');
    process.env['AWS_ENDPOINT_URL_S3'] = s3.url;
    try {
      const config = await lab.configure(
        lab.target('    soak: 0s').replace('dynamodb:apigw-cert', 's3://example-state/a'),
      );
      lab.db.operations.length = 0;
      const round = await lab.rotate({}, { config });
      if (round.status === 'waiting') lab.pass(round.until);
      expect(await lab.rotate({}, { config })).toMatchObject({ status: 'done' });
      expect(await presented(lab)).not.toBe(lab.certificate.id);
      expect([...s3.objects.keys()].some((key) => key.startsWith('/example-state/a/journal/'))).toBe(true);
      expect(lab.db.operations).toEqual([]);
    } finally {
      s3.close();
    }
  });

  test('notices each permission that is denied, and goes on once it is allowed', async () => {
    traffic = startTraffic(`${lab.api.invokeUrl}/health`, { lanes: 2 });
    const config = await lab.configure(lab.target('    soak: 0s'));
    const denied = async (): Promise<unknown> => {
      const answer = await lab.rotate({}, { config });
      return answer.status === 'attention' ? answer.code : answer;
    };
    const reads = ['GetClientCertificates', 'GetRestApis', 'GetStage', 'GetStages', 'GetResources'];
    const all = [...reads, 'GenerateClientCertificate', 'TestInvokeMethod'];
    for (const operation of [...(IS_FULL ? all : []), 'UpdateStage']) {
      lab.emulator.addFault({
        operation,
        occurrence: 'every',
        kind: 'error',
        code: 'AccessDeniedException',
        status: 403,
      });
      expect([operation, await denied()]).toEqual([operation, 'AccessDenied']);
      lab.emulator.clearFaults();
      expect([operation, await presented(lab)]).toEqual([operation, lab.certificate.id]);
    }
    lab.services.readOnly = true;
    expect(await denied()).toBe('TrustStoreFailed');
    lab.services.readOnly = false;
    lab.db.faults.push('denied');
    expect(await denied()).toBe('AccessDenied');
    expect(await presented(lab)).toBe(lab.certificate.id);

    lab.emulator.addFault({
      operation: 'DeleteClientCertificate',
      occurrence: 'every',
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
    });
    let switched = await lab.rotate({}, { config });
    if (switched.status === 'waiting') {
      lab.pass(switched.until);
      switched = await lab.rotate({}, { config });
    }
    expect(switched).toMatchObject({ status: 'attention', code: 'AccessDenied' });
    lab.emulator.clearFaults();
    expect(await lab.rotate({}, { config })).toMatchObject({ status: 'done', outcome: 'completed' });
    expect((await traffic.stop()).failed).toEqual([]);
  });

  test('does not begin where settle is longer than the function may run', async () => {
    expect(await lab.rotate({}, { left: 16_000 })).toMatchObject({
      status: 'attention',
      code: 'ConfigurationInvalid',
      remedy: expect.stringContaining('at least 32 s'),
    });
    expect(await certificateIds()).toEqual([lab.certificate.id]);
  });
});

/** For what changes nothing. */
const inOneLab = (): void => {
  beforeAll(async () => {
    lab = await startServiceLab();
  });
  beforeEach(() => {
    lab.lines.length = 0;
    lab.roles.length = 0;
  });
  afterAll(() => lab.close());
};

describe('what needs a machine is refused before anything is begun', () => {
  inOneLab();

  test.each([
    [
      'trust:\n      - { kind: pem-bundle, file: a.pem }',
      'the trust store kind "pem-bundle" needs a machine',
    ],
    ['trust:\n      - { kind: manual }', 'the trust store kind "manual" needs a machine'],
    [
      'trust:\n      - { kind: kubernetes, resource: secret, name: a, key: b }',
      'the trust store kind "kubernetes" needs a machine',
    ],
    [
      'trust:\n      - { kind: kubernetes, resource: secret, name: a, key: b, api: in-cluster }',
      'the trust store kind "kubernetes" needs a machine',
    ],
    [
      'trust:\n      - { kind: ssm, parameter: /a, reload: systemctl reload a }',
      '"reload" of the trust store "ssm" runs a command',
    ],
    ['trust: [{ kind: ssm, parameter: /a }]\n    hooks: { done: "true" }', 'the hook "done" runs a command'],
    [
      'trust: [{ kind: ssm, parameter: /a }]\n    acknowledge: { hosts: all, reports: /srv/reports }',
      'the reports of "acknowledge" are in the folder "/srv/reports"',
    ],
    [
      'trust: [{ kind: ssm, parameter: /a }]\n    publish: [file:/tmp/id]',
      '"publish" with the kind "file" needs a machine',
    ],
  ])('%s', async (trust, reason) => {
    const config = await lab.configure(
      `state: dynamodb:apigw-cert\ntargets:\n  orders:\n    api: orders\n    stages: [prod]\n    ${trust}\n`,
    );
    lab.db.operations.length = 0;
    expect(await lab.rotate({}, { config })).toMatchObject({
      status: 'attention',
      code: 'MachineNeeded',
      reason,
    });
    expect(await lab.ask({ request: 'plan' }, { config })).toMatchObject({
      jobs: [],
      refused: [{ target: 'orders', code: 'MachineNeeded', reason }],
    });
    expect(lab.db.operations).toEqual([]);
    expect(await certificateIds()).toEqual([lab.certificate.id]);
  });

  test.each([
    ['', 'has no "state"'],
    ['state: /var/lib/apigw-cert\n', 'is a folder, which a function loses'],
  ])('a configuration without shared state: %j', async (state, message) => {
    const config = await lab.configure(lab.target().replace('state: dynamodb:apigw-cert\n', state));
    for (const event of [
      { request: 'plan' },
      { request: 'check' },
      { request: 'rotate', job: { target: 'x' } },
    ])
      await expect(lab.ask(event, { config })).rejects.toMatchObject({
        code: 'ConfigurationInvalid',
        message: expect.stringContaining(message),
      });
    expect(parsed().map(({ level, code, Attention }) => [level ?? Attention, code])).toEqual(
      Array(3)
        .fill([
          ['ERROR', 'ConfigurationInvalid'],
          [1, undefined],
        ])
        .flat(),
    );
  });

  test.each([
    [undefined],
    [{}],
    ['plan'],
    [{ request: 'delete' }],
    [{ request: 'rotate' }],
    [{ request: 'rotate', job: { target: '' } }],
    [{ request: 'rotate', job: { target: 'orders', stage: 'prod' } }],
    [{ request: 'rotate', job: { target: 'orders' }, approval: 'yes' }],
    [{ request: 'plan', limit: 5_000 }],
    [{ request: 'plan', limits: 5 }],
    [{ request: 'check', warning: 'soon' }],
    [{ request: 'check', regions: ['eu-west-1,all'] }],
  ])('%j is no request', async (event) => {
    await expect(lab.ask(event)).rejects.toMatchObject({ name: 'AppError', code: 'Usage' });
  });

  test.each(['nobody', 'constructor', '__proto__'])('%s is no target', async (target) => {
    expect(await lab.rotate({ job: { target } })).toMatchObject({ status: 'attention', code: 'Usage' });
  });
});

describe('what may not be read is unknown, so that nothing is begun', () => {
  inOneLab();

  const refused = async (config: string): Promise<unknown> => {
    const answer = await lab.rotate({}, { config });
    expect(await certificateIds()).toEqual([lab.certificate.id]);
    return answer.status === 'attention' ? [answer.code, answer.reason] : answer;
  };

  test('the list of the backend', async () => {
    lab.services.denied = true;
    expect(await refused(await lab.configure(lab.target()))).toEqual([
      'TrustStoreUnreadable',
      expect.stringContaining('the object cannot be read: AccessDenied'),
    ]);
    lab.services.denied = false;
  });

  test('the reports of the hosts', async () => {
    const s3 = await startS3Double();
    process.env['AWS_ENDPOINT_URL_S3'] = s3.url;
    s3.buckets.add('example-reports');
    s3.faults.push('AccessDenied');
    const acknowledge = '    acknowledge: { hosts: 1, reports: "s3://example-reports/orders" }';
    expect(await refused(await lab.configure(lab.target(acknowledge)))).toEqual([
      'AccessDenied',
      expect.stringContaining('AWS denies s3:ListBucket'),
    ]);
    delete process.env['AWS_ENDPOINT_URL_S3'];
    s3.close();
  });

  test('the ConfigMap of a cluster, until its role allows it', async () => {
    const kubernetes = await startKubernetesDouble({ tls: true });
    kubernetes.tokens = ['token-of-the-function'];
    const caFile = await lab.configure(kubernetes.caPem);
    process.env['CLUSTER_TOKEN'] = 'token-of-the-function';
    const store = `{ kind: kubernetes, resource: configmap, name: apigw, key: ca.pem, api: "${kubernetes.url}", caFile: "${caFile}", tokenVariable: CLUSTER_TOKEN }`;
    const config = await lab.configure(lab.target().replace(/\{ kind: s3.*\}/, store));
    kubernetes.denied = true;
    expect(await refused(config)).toEqual([
      'TrustStoreUnreadable',
      expect.stringContaining('403 Forbidden: configmaps "apigw" is forbidden'),
    ]);
    kubernetes.denied = false;
    const data = { 'ca.pem': lab.certificate.pem };
    kubernetes.objects.set('configmaps/apigw', { data, resourceVersion: 1 });
    // The backend of the lab reads the object in S3, which follows the ConfigMap here.
    lab.services.versions.set('/trust/list.pem', {
      at: () => data['ca.pem'],
    } as unknown as string[]);
    expect(await lab.rotate({}, { config })).toMatchObject({ status: 'waiting', code: 'RotationWaiting' });
    expect(data['ca.pem'].match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(lab.lines.join()).not.toContain('token-of-the-function');
    kubernetes.close();
  });
});

describe('plan', () => {
  inOneLab();

  const role = (account: string): string => `arn:aws:iam::${account}:role/rotate`;
  const fleet = (): string => `
state: dynamodb:apigw-cert
region: eu-central-1
targets:
  one: { api: orders, stages: [prod], trust: [{ kind: ssm, parameter: /a }], probe: { path: /health } }
  two: { api: orders, stages: [prod], trust: [{ kind: ssm, parameter: /a }], roleArn: "${role('111111111111')}", externalId: external-1 }
  three: { api: none, stages: [prod], trust: [{ kind: kubernetes, resource: secret, name: a, key: b, api: "eks:shop" }], roleArn: "${role('222222222222')}", region: eu-west-1 }
`;

  test('lists accounts, Regions and targets page by page, and calls nobody', async () => {
    const config = await lab.configure(fleet());
    const first = (await lab.ask({ request: 'plan', limit: 2 }, { config })) as PlanAnswer;
    expect(first).toEqual({
      request: 'plan',
      jobs: [
        { target: 'one', region: 'eu-central-1' },
        { target: 'two', account: '111111111111', region: 'eu-central-1' },
      ],
      refused: [],
      next: 'two',
    });
    expect(await lab.ask({ request: 'plan', limit: 2, after: first.next }, { config })).toEqual({
      request: 'plan',
      jobs: [{ target: 'three', account: '222222222222', region: 'eu-west-1' }],
      refused: [],
    });
    const only = await lab.ask({ request: 'plan', account: '111111111111' }, { config });
    expect((only as PlanAnswer).jobs.map(({ target }) => target)).toEqual(['two']);
    expect([lab.roles, parsed().map(({ ApiCalls }) => ApiCalls)]).toEqual([[], [0, 0, 0]]);
  });

  test('with due, finds the certificates to replace with the role of each target, and names an execution for each', async () => {
    const config = await lab.configure(
      fleet()
        .replaceAll(
          'kind: ssm, parameter: /a',
          `kind: s3, bucket: trust, key: list.pem, endpointUrl: "${lab.services.url}"`,
        )
        .replace(
          /(two: .*)(endpointUrl)/,
          `$1roleArn: "${role('333333333333')}", externalId: external-3, $2`,
        ),
    );
    const answer = (await lab.ask({ request: 'plan', due: true }, { config })) as PlanAnswer;
    const { id: certificateId } = lab.certificate;
    const stage = `${lab.api.restApiId}/prod`;
    expect(answer.jobs).toMatchObject([
      { target: 'one', stage, region: 'eu-central-1', certificateId },
      { target: 'two', stage, region: 'eu-central-1', certificateId, account: '111111111111' },
    ]);
    expect(answer.jobs[1]?.name).toMatch(
      new RegExp(
        `^account-111111111111-eu-central-1-.*${certificateId}$|^account-111111111111-eu-central-1-.{1,40}$`,
      ),
    );
    expect(answer.refused).toMatchObject([{ target: 'three', code: 'StageNotFound' }]);
    const roles = lab.roles.map((form) => [form.get('RoleArn'), form.get('ExternalId')]);
    expect(roles.sort(([one], [other]) => String(one).localeCompare(String(other)))).toEqual([
      [role('111111111111'), 'external-1'],
      [role('222222222222'), null],
      [role('333333333333'), 'external-3'],
    ]);
    // Nothing was written by looking.
    expect(lab.db.operations.filter((operation) => /Put|Delete/.test(operation))).toEqual([]);
  });
});

describe('check', () => {
  inOneLab();

  test('finds what expires, and takes an account that cannot be read for unknown', async () => {
    const config = await lab.configure(`
state: dynamodb:apigw-cert
accounts:
  - { name: shop, roleArn: "arn:aws:iam::111111111111:role/watch", regions: [eu-central-1] }
`);
    const answer = (await lab.ask({ request: 'check' }, { config })) as CheckAnswer;
    expect(answer).toMatchObject({
      level: 'warning',
      sources: 1,
      unknownSources: 0,
      certificates: 1,
      acmUnchecked: false,
    });
    expect(answer.findings).toMatchObject([{ code: expect.any(String), level: 'warning', account: 'shop' }]);
    expect(await lab.ask({ request: 'check', warning: '1d', critical: '1h' }, { config })).toMatchObject({
      level: 'ok',
      acmUnchecked: true,
    });
    const read = { request: 'check', warning: '1d', critical: '1h', usage: true };
    expect(await lab.ask(read, { config })).toMatchObject({ level: 'ok', acmUnchecked: false });
    process.env['AWS_ENDPOINT_URL_STS'] = 'http://127.0.0.1:1';
    expect(await lab.ask({ request: 'check' }, { config })).toMatchObject({
      level: 'unknown',
      unknownSources: 1,
    });
    expect(parsed().at(-1)).toMatchObject({ level: 'unknown', UnknownSources: 1 });
  });

  test('finds hosts that do not report, or do not have the list live, and takes what may not be read for unknown', async () => {
    const config =
      await lab.configure(`${lab.target('    acknowledge: { hosts: 2, reports: dynamodb:apigw-cert/orders }')}
accounts:
  - { name: shop, roleArn: "arn:aws:iam::111111111111:role/watch", regions: [eu-central-1] }
`);
    process.env['AWS_ENDPOINT_URL_STS'] = 'http://127.0.0.1:1';
    const missing = async (): Promise<[unknown, number]> => {
      const answer = (await lab.ask({ request: 'check' }, { config })) as CheckAnswer;
      const { HostsMissing } = parsed().at(-1) as { HostsMissing: number };
      expect(answer.missingHostsCount).toBe(HostsMissing);
      return [answer.missingHosts[0], HostsMissing];
    };
    const reports = openReports(parseReportPlace('dynamodb:apigw-cert/orders'));
    const report = (host: string, fingerprint: string) =>
      reports.put({
        ...{ host, trustStore: 'nginx:/etc/nginx/apigw.map', fingerprintsSha256: [fingerprint] },
        ...{ reportedAt: lab.now(), expiresAt: new Date(lab.now().getTime() + 60_000) },
      });
    const { fingerprintSha256: listed } = trustedCertificate(lab.certificate.pem);
    const hosts = { target: 'orders', required: 2 };
    const reason = (text: string): unknown => expect.stringContaining(text);

    expect(await missing()).toEqual([{ ...hosts, reporting: 0, live: 0, reason: reason('0 of 0 hosts') }, 1]);
    await report('web-1', listed);
    expect(await missing()).toEqual([{ ...hosts, reporting: 1, live: 1, reason: reason('1 of 1 hosts') }, 1]);
    await report('web-2', listed.replace(/^../, listed.startsWith('00') ? '11' : '00'));
    expect(await missing()).toEqual([{ ...hosts, reporting: 2, live: 1, reason: reason('; not web-2') }, 1]);
    await report('web-2', listed);
    expect(await missing()).toEqual([undefined, 0]);
    lab.services.denied = true;
    expect(await missing()).toEqual([{ ...hosts, reason: reason('AccessDenied') }, 1]);
    lab.services.denied = false;
    expect(await lab.ask({ request: 'check', account: 'shop' }, { config })).toMatchObject({
      missingHosts: [],
      missingHostsCount: 0,
    });
  });
});
