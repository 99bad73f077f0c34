/** The templates of docs/lambda: whole in themselves, and no permission more or less than a function uses. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import aslValidator from 'asl-validator';
import { parse } from 'yaml';
import { openReports } from '../../src/acknowledgements/reports.js';
import type { RotateAnswer } from '../../src/lambda/index.js';
import { readRequest } from '../../src/lambda/request.js';
import { parseReportPlace } from '../../src/settings/report-place.js';
import { tableTemplate } from '../../src/state/create.js';
import { makeWebSocketApi, v2ClientOf } from '../support/emulator.js';
import { startServiceLab, type ServiceLab } from '../support/service-lab.js';
import { startStateServices, type StateServices } from '../support/state-services.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'lambda');

interface Statement {
  Sid?: string;
  Action: string | string[];
  Resource: unknown;
}
interface Template {
  Parameters: Record<string, unknown>;
  Conditions: Record<string, unknown>;
  Resources: Record<string, { Type: string; Condition?: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}
const read = (name: string): Template => parse(readFileSync(join(folder, name), 'utf8')) as Template;
const templates = { hub: read('hub.yaml'), member: read('member.yaml') };

/** The names that a part of a template refers to. */
function referred(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(referred);
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) => {
    if (key === 'Ref') return [String(value)];
    if (key === 'Fn::GetAtt') return [String((value as string[])[0])];
    if (key === 'Fn::Sub') return [...String(value).matchAll(/\$\{([^}]+)\}/g)].map(([, name = '']) => name);
    return referred(value);
  });
}

describe.each(Object.entries(templates))('%s.yaml', (_name, template) => {
  test('refers to what it has', () => {
    const known = new Set([...Object.keys(template.Parameters), ...Object.keys(template.Resources)]);
    const names = referred([template.Resources, template.Conditions, template.Outputs]);
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !known.has(name) && !name.startsWith('AWS::'))).toEqual([]);
    expect(Object.keys(template.Parameters).filter((name) => !names.includes(name))).toEqual([]);
    const conditions = Object.values(template.Resources).flatMap(({ Condition }) => Condition ?? []);
    expect(conditions).toEqual(Object.keys(template.Conditions));
  });
});

test('the table is the one that `state create` makes', () => {
  const { Resources } = JSON.parse(tableTemplate('x')) as Template;
  const TableName = { Ref: 'TableName' };
  expect(templates.hub.Resources['State']?.Properties).toMatchObject({
    ...Resources['State']?.Properties,
    TableName,
  });
});

test('the schedules send requests, and each alarm has a metric and notifies', () => {
  const all = Object.values(templates.hub.Resources);
  const inputs = all.flatMap(({ Type, Properties }) =>
    Type === 'AWS::Scheduler::Schedule' ? [(Properties['Target'] as { Input: string }).Input] : [],
  );
  expect(inputs.map((input) => JSON.parse(input) as unknown)).toEqual([
    { request: 'rotateDue' },
    { request: 'check' },
  ]);
  const alarms = all.filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
  expect(alarms.map(({ Properties }) => Properties['MetricName'])).toEqual([
    'Attention',
    'Findings',
    'HostsMissing',
    'Errors',
    'Jobs',
  ]);
  for (const { Properties } of alarms) expect(Properties['AlarmActions']).toEqual([{ Ref: 'Topic' }]);
});

describe('the definition for Step Functions', () => {
  const definition = JSON.parse(readFileSync(join(folder, 'step-functions.json'), 'utf8')) as {
    States: Record<string, { Next?: string; Arguments?: Record<string, unknown> }>;
  };

  test('is valid, and what is not is found', () => {
    expect(aslValidator(definition)).toMatchObject({ isValid: true, errors: [] });
    const broken = structuredClone(definition);
    Object.assign(broken.States['Wait'] ?? {}, { Next: 'Nowhere' });
    expect(aslValidator(broken)).toMatchObject({ isValid: false });
  });

  test('sends a request that the function takes, whose answers it tells apart', () => {
    const { Payload } = definition.States['Round']?.Arguments ?? {};
    const job = { target: 'orders', stage: 'a1/prod' };
    expect(readRequest({ ...(Payload as object), job })).toEqual({ request: 'rotate', job });
    expect(JSON.stringify(definition)).toMatch(/status = 'done'.*status = 'waiting'.*input\.until/);
  });
});

const statementsOf = (template: Template, role: string): Statement[] =>
  (
    template.Resources[role]?.Properties['Policies'] as { PolicyDocument: { Statement: Statement[] } }[]
  ).flatMap(({ PolicyDocument }) => PolicyDocument.Statement);

/** An ARN of a policy as a pattern, with the parameters of the lab. */
const pattern = (resource: unknown): RegExp => {
  const arn = (resource as { 'Fn::Sub': string })['Fn::Sub']
    .replace('${AWS::Partition}', 'aws')
    .replace('${TrustBucket}', 'trust')
    .replace('${TrustPrefix}', '');
  return new RegExp(`^${arn.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\*', '.*')}$`);
};

const MOST_ROUNDS = 30;

describe('the permissions', () => {
  let lab: ServiceLab;
  /** `ACTION RESOURCE`, of everything that was called. */
  let calls: string[];
  beforeAll(async () => {
    lab = await startServiceLab();
    const v2 = v2ClientOf(lab.emulator);
    await makeWebSocketApi(lab.emulator, v2, { certificateId: lab.certificate.id });
    v2.destroy();
    lab.emulator.clearRequests();
    lab.db.operations.length = 0;
    const config = await lab.configure(`${lab.target('    soak: 0s\n    allowUnproved: true')}
accounts:
  - { name: shop, roleArn: "arn:aws:iam::111111111111:role/apigw-cert", regions: [eu-central-1] }
`);
    // As often as it takes: on a machine that is busy with other things, a test of the backend may have to be repeated.
    const goOn = async (request: object, isReached: (answer: RotateAnswer) => boolean): Promise<void> => {
      let answer = await lab.rotate(request, { config });
      for (let round = 0; !isReached(answer); round += 1) {
        if (round === MOST_ROUNDS) throw new Error(JSON.stringify(answer));
        lab.pass(1_500);
        answer = await lab.rotate(request, { config });
      }
    };
    await goOn(
      { approval: 'required' },
      (answer) => 'code' in answer && answer.code === 'ConfirmationNeeded',
    );
    await goOn({ abort: true }, ({ status }) => status === 'done');
    await goOn({}, ({ status }) => status === 'done');
    await lab.ask({ request: 'plan', due: true }, { config });
    await lab.ask({ request: 'check' }, { config });
    calls = [
      ...lab.emulator
        .requests()
        .filter(({ operation }) => operation !== 'Invoke')
        .map(({ method, path }) => {
          const { pathname } = new URL(path, 'http://x');
          return `apigateway:${method} arn:aws:apigateway:eu-central-1::${pathname.replace('/v2/', '/')}`;
        }),
      ...lab.services.operations.map(
        (operation) => `s3:${operation === 's3.GET' ? 'GetObject' : 'PutObject'} arn:aws:s3:::trust/list.pem`,
      ),
    ];
  });
  afterAll(() => lab.close());

  const actionsOf = ({ Action }: Statement): string[] => [Action].flat();

  test('of a member account allow every call, and each is used', () => {
    const allowed = statementsOf(templates.member, 'Role').flatMap((statement) =>
      actionsOf(statement).flatMap((action) =>
        [statement.Resource].flat().map((resource) => ({ action, resource: pattern(resource) })),
      ),
    );
    const matches = (call: string, { action, resource }: (typeof allowed)[number]): boolean => {
      const [called = '', arn = ''] = call.split(' ');
      return called === action && resource.test(arn);
    };
    expect(calls.filter((call) => !allowed.some((one) => matches(call, one)))).toEqual([]);
    const unused = allowed.filter((one) => !calls.some((call) => matches(call, one)));
    const certificates = pattern({ 'Fn::Sub': 'arn:${AWS::Partition}:apigateway:*::/clientcertificates/*' });
    expect(unused).toEqual([
      // Of a certificate that the list lacks for a moment.
      { action: 'apigateway:GET', resource: certificates },
      // The mark of a rotation is in the description where tags are denied.
      { action: 'apigateway:PATCH', resource: certificates },
    ]);
  });

  test('of the function allow the table and the roles, and each is used', () => {
    const statements = statementsOf(templates.hub, 'FunctionRole');
    const of = (sid: string): string[] =>
      statements.filter(({ Sid }) => Sid === sid).flatMap((statement) => actionsOf(statement));
    const used = new Set(lab.db.operations.map((operation) => `dynamodb:${operation}`));
    // What a journal is deleted with after a year.
    expect([...used, 'dynamodb:DeleteItem'].sort()).toEqual(of('State').sort());
    expect(new Set(lab.roles.map((form) => `sts:${form.get('Action') ?? ''}`))).toEqual(
      new Set(of('Accounts')),
    );
    expect(statements.map(({ Sid }) => Sid)).toEqual(['Accounts', 'State', 'Log', 'Executions']);
  });
});

describe('the permissions for the reports of hosts', () => {
  let services: StateServices;
  beforeAll(async () => {
    services = await startStateServices('example-reports');
  });
  afterAll(() => services.close());

  const actionsOf = (resource: string): string[] => {
    const { PolicyDocument } = templates.hub.Resources[resource]?.Properties as {
      PolicyDocument: { Statement: Statement[] };
    };
    return PolicyDocument.Statement.flatMap(({ Action }) => Action);
  };
  const report = {
    ...{ host: 'web-1', trustStore: 'nginx:/etc/nginx/apigw.map' },
    ...{ reportedAt: new Date(), expiresAt: new Date(Date.now() + 60_000) },
  };

  test('of a table and of a bucket allow to read them, and no more', async () => {
    const { db, s3 } = services;
    const [table, bucket] = ['dynamodb:apigw-cert/orders', 's3://example-reports/orders'].map((place) =>
      openReports(parseReportPlace(place)),
    );
    await Promise.all([table?.put(report), bucket?.put(report)]);
    db.operations.length = 0;
    s3.requests.length = 0;
    expect(await table?.list()).toHaveLength(1);
    expect(await bucket?.list()).toHaveLength(1);
    expect(db.operations.map((operation) => `dynamodb:${operation}`)).toEqual(
      actionsOf('ReportsTablePolicy'),
    );
    expect(s3.requests).toEqual([
      'GET /example-reports/',
      expect.stringMatching(/^GET \/example-reports\/orders\/hosts\/web-1\.\w+\.?\w*$/),
    ]);
    expect(actionsOf('ReportsBucketPolicy')).toEqual(['s3:ListBucket', 's3:GetObject']);
  });

  test('that are denied are named', async () => {
    services.s3.faults.push('AccessDenied');
    await expect(openReports(parseReportPlace('s3://example-reports/orders')).list()).rejects.toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('AWS denies s3:ListBucket'),
    });
  });
});
