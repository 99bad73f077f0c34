/** The constructs, with the real CDK and cdk-nag: `node scripts/cdk.mjs` installs them. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { parse } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const folder = join(root, 'build', 'cdk');
const out = join(folder, 'cdk.out');
const outSwitching = join(folder, 'cdk.switching');

interface Template {
  Parameters: Record<string, unknown>;
  Conditions?: Record<string, unknown>;
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}

/** A template of the documents with the values of some parameters put in. */
function shipped(name: string, values: Record<string, string | object> = {}): Template {
  const put = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(put);
    if (typeof part !== 'object' || part === null) return part;
    const { Ref, 'Fn::Sub': text } = part as { Ref?: string; 'Fn::Sub'?: string };
    if (Ref !== undefined && Ref in values) return values[Ref];
    if (typeof text === 'string') {
      return {
        'Fn::Sub': text.replace(
          /\$\{(\w+)\}/g,
          (all, key: string) => (values[key] as string | undefined) ?? all,
        ),
      };
    }
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, put(value)]));
  };
  return put(parse(readFileSync(join(root, 'docs', 'lambda', `${name}.yaml`), 'utf8'))) as Template;
}

const synthesized = (name: string, from = out): Template =>
  JSON.parse(readFileSync(join(from, `${name}.template.json`), 'utf8')) as Template;

// CI gets it before the tests; elsewhere it is 191 MB that nobody need download.
(existsSync(folder) ? describe : describe.skip)('the constructs', () => {
  /** What the app and the compiler print. */
  let said: string;
  let compiled: string;

  beforeAll(async () => {
    const installed = join(folder, 'node_modules', 'apigw-cert');
    for (const old of [installed, out, outSwitching]) rmSync(old, { recursive: true, force: true });
    mkdirSync(installed, { recursive: true });
    for (const part of ['package.json', 'dist/cdk.js', 'dist/types/cdk', 'docs/lambda']) {
      cpSync(join(root, part), join(installed, part), { recursive: true });
    }
    mkdirSync(join(folder, 'package'), { recursive: true });
    writeFileSync(join(folder, 'package', 'index.mjs'), 'export const handler = () => undefined;\n');
    cpSync(join(root, 'test', 'cdk', 'app.mjs'), join(folder, 'app.mjs'));
    cpSync(join(root, 'src', 'cdk', 'index.ts'), join(folder, 'constructs.mts'));
    writeFileSync(
      join(folder, 'program.mts'),
      `import { Stack } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { ApiGwCertHub, type ApiGwCertMemberProps } from 'apigw-cert/cdk';
export function make(stack: Stack): ApiGwCertMemberProps {
  const hub = new ApiGwCertHub(stack, 'Rotation', { code: Code.fromAsset('package'), tableName: 'x' });
  // @ts-expect-error it has no such property
  hub.nonsense;
  return { hubRoleArn: hub.functionRoleArn, externalId: 'x', trustBucket: hub.topic.topicArn };
}
`,
    );
    [{ stdout: said }, { stdout: compiled }] = await Promise.all([
      execa(process.execPath, ['app.mjs'], { cwd: folder }),
      execa(
        process.execPath,
        [
          join(root, 'node_modules/typescript/bin/tsc'),
          ...['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--exactOptionalPropertyTypes'],
          ...['--module', 'nodenext'],
          ...['--target', 'es2023', '--lib', 'es2023', '--types', 'node'],
          ...['--typeRoots', join(root, 'node_modules/@types'), 'constructs.mts', 'program.mts'],
        ],
        { cwd: folder, reject: false },
      ),
    ]);
  });

  test('of the hub make what docs/lambda/hub.yaml makes, with a version for each code', () => {
    const { Resources, Parameters, Conditions, Outputs } = synthesized('Hub');
    const { Code: code } = Resources['Function']?.Properties as { Code: Record<string, string | object> };
    const wanted = shipped('hub', { CodeBucket: code['S3Bucket'] ?? '', CodeKey: code['S3Key'] ?? '' });
    expect(code['S3Key']).toMatch(/^[0-9a-f]{64}\.zip$/);
    const [version = ''] = Object.keys(Resources).filter((id) => /^Version[0-9a-f]{12}$/.test(id));
    const made = JSON.parse(JSON.stringify(Resources).replaceAll(version, 'Version1')) as typeof Resources;
    const { CodeBucket, CodeKey, ...parameters } = wanted.Parameters;
    expect([CodeBucket, CodeKey]).not.toContain(undefined);
    expect(Parameters).toMatchObject(parameters);
    const added = Object.keys(made).filter((id) => !(id in wanted.Resources));
    expect(added.map((id) => made[id]?.Type)).toEqual([
      'AWS::SNS::Subscription',
      'AWS::CloudFormation::StackSet',
    ]);
    for (const id of added) Reflect.deleteProperty(made, id);
    expect(made).toEqual(wanted.Resources);
    expect(Conditions).toEqual(wanted.Conditions);
    expect(Outputs).toEqual({ ...wanted.Outputs, AliasArn: { Value: { Ref: 'Live' } } });
  });

  test('of a member make what docs/lambda/member.yaml makes, alone and as a StackSet', () => {
    const values = {
      HubRoleArn: 'arn:aws:iam::123456789012:role/hub',
      ExternalId: 'example-external-id',
      TrustBucket: 'example-trust',
    };
    const { Resources, Outputs } = synthesized('Member');
    const wanted = shipped('member', values);
    expect(Resources).toEqual(wanted.Resources);
    expect(Outputs).toEqual(wanted.Outputs);

    // Several stacks are one parameter of the template, and a list in its statement.
    const stacks = ['orders', 'billing'].map(
      (name) => `arn:aws:cloudformation:eu-west-1:111111111111:stack/${name}/*`,
    );
    const switching = shipped('member', { ...values, SwitchStackArns: stacks.join(',') });
    const statement = JSON.stringify({ 'Fn::Split': [',', stacks.join(',')] });
    expect(JSON.stringify(switching)).toContain(statement);
    expect(synthesized('Switching', outSwitching).Resources).toEqual(
      JSON.parse(JSON.stringify(switching.Resources).replace(statement, JSON.stringify(stacks))),
    );

    const set = Object.values(synthesized('Hub').Resources).find(
      ({ Type }) => Type === 'AWS::CloudFormation::StackSet',
    );
    expect(set?.Properties).toMatchObject({
      PermissionModel: 'SERVICE_MANAGED',
      TemplateBody: readFileSync(join(root, 'docs', 'lambda', 'member.yaml'), 'utf8'),
      Parameters: [
        { ParameterKey: 'HubRoleArn', ParameterValue: { 'Fn::GetAtt': ['FunctionRole', 'Arn'] } },
        { ParameterKey: 'ExternalId', ParameterValue: 'example-external-id' },
        { ParameterKey: 'TrustBucket', ParameterValue: 'example-trust' },
      ],
    });
  });

  test('have the findings of cdk-nag that docs/lambda.md explains, and none of the CDK’s own checks', () => {
    const { pluginReports } = JSON.parse(readFileSync(join(out, 'validation-report.json'), 'utf8')) as {
      pluginReports: { pluginName: string; violations: { ruleName: string }[] }[];
    };
    expect(pluginReports.map(({ pluginName }) => pluginName)).toContain('AwsSolutions');
    const found = pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName));
    const wildcards = [
      ...JSON.stringify([shipped('hub'), shipped('member', { TrustBucket: 'example-trust' })]).matchAll(
        /"Fn::Sub":"(arn:[^"]*\*[^"]*)"/g,
      ),
    ].map(([, arn = '']) => `AwsSolutions-IAM5[Resource::${arn.replaceAll(/\$\{([^}]+)\}/g, '<$1>')}]`);
    expect([...new Set(found)].sort()).toEqual([...new Set(wildcards)].sort());
    // What the page gives a reason for.
    const reasons = [/:iam::\*:role\//, /:function:[^/]*:\*\]/, /:apigateway:\*::\//, /:s3:::[^/]+\/.*\*\]/];
    expect(found.filter((name) => !reasons.some((reason) => reason.test(name)))).toEqual([]);
  });

  test('refuse code that CloudFormation cannot find in S3', () => {
    expect(said).toBe('the code of ApiGwCertHub must be an asset or an object in S3, not inline or an image');
  });

  test('compile with the CDK’s own types, and so does a program that uses them', () => {
    expect(compiled).toBe('');
  });
});
