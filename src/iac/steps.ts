/**
 * What to add to the code of a tool, so that its next apply leaves the certificate in use as it is. Pure: the stage and its
 * certificate are handed in, and nothing of them is trusted.
 */
import type { NamedStage } from '../control-plane/named-stage.js';
import { printable } from '../platform/printable.js';
import { shellWord } from '../platform/shell-word.js';
import { hclString, logicalId, terraformName, typescriptString, yamlString } from './quote.js';

export const IAC_TOOLS = ['terraform', 'cloudformation', 'cdk', 'serverless'] as const;

export type IacTool = (typeof IAC_TOOLS)[number];

/** One thing to paste, or to run. */
export interface IacStep {
  /** When and why, in a line. */
  title: string;
  language: 'hcl' | 'yaml' | 'typescript' | 'sh';
  text: string;
}

/** The stage and its certificate. */
export interface StepsInput {
  stage: NamedStage;
  region: string;
  /** In use now: a client certificate's id, or the ARN of an ACM certificate. */
  clientCertificateId: string;
  /** Whether the certificate is one of API Gateway's, which the tools have a resource for. */
  isGenerated: boolean;
  /** The SSM parameter for the id in use. */
  parameter: string;
  /** What the code calls the resources, where that is known. */
  name?: string;
  /** By the tags of CloudFormation. */
  stackName?: string;
  stageLogicalId?: string;
  certificateLogicalId?: string;
}

const words = (...parts: readonly string[]): string => parts.map(shellWord).join(' ');

const stageWord = ({ stage }: StepsInput): string => `${stage.restApiId}/${stage.stageName}`;

function putParameter({ region, parameter, clientCertificateId }: StepsInput, when = ''): IacStep {
  return {
    title: `${when}now: keep the id in use in an SSM parameter; publish: in apigw-cert.yaml writes it at each rotation`,
    language: 'sh',
    text: words(
      ...['aws', 'ssm', 'put-parameter', '--region', region, '--name', parameter],
      ...['--type', 'String', '--value', clientCertificateId, '--overwrite'],
    ),
  };
}

function terraformSteps(input: StepsInput): IacStep[] {
  const { stage, parameter, clientCertificateId, isGenerated } = input;
  const name = terraformName(input.name ?? `${stage.apiName}_${stage.stageName}`);
  const type = stage.protocolType === undefined ? 'aws_api_gateway_stage' : 'aws_apigatewayv2_stage';
  const certificate = `aws_api_gateway_client_certificate.${name}`;
  const block = (title: string, ...lines: readonly string[]): IacStep => ({
    title,
    language: 'hcl',
    text: lines.join('\n'),
  });
  const imported = (title: string, to: string, id: string): IacStep =>
    block(title, 'import {', `  to = ${to}`, `  id = ${hclString(id)}`, '}');
  const ofCertificate = [
    block(
      'before the first rotation: end the management of the certificate without deleting it (Terraform 1.7 or later), and delete its resource block',
      'removed {',
      `  from = ${certificate}`,
      '  lifecycle {',
      '    destroy = false',
      '  }',
      '}',
    ),
    {
      title: 'the same in an earlier version',
      language: 'sh' as const,
      text: words('terraform', 'state', 'rm', certificate),
    },
    imported(
      'only if the certificate is to stay in Terraform: after each rotation, and before the next apply, run the command above and import the certificate in use',
      certificate,
      clientCertificateId,
    ),
  ];
  return [
    putParameter(input),
    block(
      'the stage: the certificate is set when the stage is created, and left as it is afterwards',
      `data "aws_ssm_parameter" ${hclString(`${name}_certificate`)} {`,
      `  name = ${hclString(parameter)}`,
      '}',
      '',
      `resource ${hclString(type)} ${hclString(name)} {`,
      '  # … the arguments that it has, and:',
      `  client_certificate_id = data.aws_ssm_parameter.${name}_certificate.insecure_value`,
      '',
      '  lifecycle {',
      `    ignore_changes = [client_certificate_id] # in use now: ${printable(clientCertificateId)}`,
      '  }',
      '}',
    ),
    imported('only if the stage is not in the state yet', `${type}.${name}`, stageWord(input)),
    ...(isGenerated ? ofCertificate : []),
    {
      title: 'before each apply',
      language: 'sh',
      text: [
        'terraform plan -out tf.plan',
        'terraform show -json tf.plan > plan.json',
        'apigw-cert iac check plan.json && terraform apply tf.plan',
      ].join('\n'),
    },
  ];
}

/** What `apigw-cert.yaml` says of a stage that its stack switches. */
function switchTarget({ stage, region, stackName = 'STACK' }: StepsInput, parameter: string): IacStep {
  return {
    title:
      'and in apigw-cert.yaml, with the trust stores of its backend: each rotation updates the stack, and waits for it',
    language: 'yaml',
    text: [
      'targets:',
      `  ${yamlString(`${stage.apiName.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '')}-${stage.stageName}`)}:`,
      `    region: ${yamlString(region)}`,
      `    api: ${yamlString(stage.restApiId)}`,
      `    stages: [${yamlString(stage.stageName)}]`,
      '    trust: [{ kind: pem-bundle, file: FILE }]',
      `    switch: { cloudformation: ${yamlString(stackName)}, parameter: ${parameter} }`,
    ].join('\n'),
  };
}

const WITHOUT_DRIFT = 'either the rotation itself updates the stack, and nothing drifts';

/** How a change set is made known to `iac check`. */
function describeChangeSet({ region, stackName = 'STACK' }: StepsInput): string {
  const of = words('--region', region, '--stack-name', stackName, '--change-set-name', 'apigw-cert-check');
  return [
    `aws cloudformation wait change-set-create-complete ${of}`,
    `aws cloudformation describe-change-set ${of} --include-property-values > changes.json`,
    `apigw-cert iac check changes.json && aws cloudformation execute-change-set ${of}`,
  ].join('\n');
}

function cloudformationSteps(input: StepsInput): IacStep[] {
  const { stage, parameter, isGenerated, region, stackName = 'STACK', clientCertificateId } = input;
  const base = logicalId(input.name ?? `${stage.apiName} ${stage.stageName}`);
  const stageId = logicalId(input.stageLogicalId ?? `${base}Stage`);
  const certificateId = logicalId(input.certificateLogicalId ?? `${base}Certificate`);
  const type = stage.protocolType === undefined ? 'AWS::ApiGateway::Stage' : 'AWS::ApiGatewayV2::Stage';
  const template = (parameterType: string, byDefault: string): string =>
    [
      'Parameters:',
      '  ClientCertificateId:',
      `    Type: ${parameterType}`,
      `    Default: ${yamlString(byDefault)}`,
      'Resources:',
      `  ${stageId}:`,
      `    Type: ${type}`,
      '    Properties:',
      '      # … the properties that it has, and:',
      '      ClientCertificateId: { Ref: ClientCertificateId }',
    ].join('\n');
  return [
    {
      title: `${WITHOUT_DRIFT}: in the template, a parameter with the id in use, and the stage that uses it`,
      language: 'yaml',
      text: template('String', clientCertificateId),
    },
    switchTarget(input, 'ClientCertificateId'),
    putParameter(input, 'or the updates of the stack follow the rotations; '),
    {
      title: 'in the template: a parameter that each update reads from SSM, and the stage that uses it',
      language: 'yaml',
      text: template('AWS::SSM::Parameter::Value<String>', parameter),
    },
    ...(isGenerated
      ? [
          {
            title: `only if the stack made ${printable(clientCertificateId)}: keep it, update the stack, then delete the resource from the template`,
            language: 'yaml' as const,
            text: [
              'Resources:',
              `  ${certificateId}:`,
              '    Type: AWS::ApiGateway::ClientCertificate',
              '    DeletionPolicy: Retain',
              '    UpdateReplacePolicy: Retain',
            ].join('\n'),
          },
        ]
      : []),
    {
      title: 'instead of each update',
      language: 'sh',
      text: [
        `aws cloudformation create-change-set ${words('--region', region, '--stack-name', stackName, '--change-set-name', 'apigw-cert-check')} --template-body file://template.yaml --include-nested-stacks`,
        describeChangeSet(input),
      ].join('\n'),
    },
  ];
}

function cdkSteps(input: StepsInput): IacStep[] {
  const { stage, parameter, isGenerated, clientCertificateId, stackName = 'STACK' } = input;
  const id = typescriptString(input.name ?? stage.apiName);
  return [
    {
      title: `${WITHOUT_DRIFT}: in the stack, a parameter with the id in use, and the stage that uses it`,
      language: 'typescript',
      text: [
        "import { CfnParameter } from 'aws-cdk-lib';",
        "import { RestApi } from 'aws-cdk-lib/aws-apigateway';",
        '',
        "const clientCertificateId = new CfnParameter(this, 'ClientCertificateId', {",
        `  default: ${typescriptString(clientCertificateId)},`,
        '}).valueAsString;',
        `new RestApi(this, ${id}, {`,
        '  // … the properties that it has, and:',
        `  deployOptions: { stageName: ${typescriptString(stage.stageName)}, clientCertificateId },`,
        '});',
      ].join('\n'),
    },
    switchTarget(input, 'ClientCertificateId'),
    putParameter(input, 'or the deployments follow the rotations; '),
    {
      title: 'in the stack: a parameter that each deployment reads from SSM, and the stage that uses it',
      language: 'typescript',
      text: [
        "import { RestApi } from 'aws-cdk-lib/aws-apigateway';",
        "import { StringParameter } from 'aws-cdk-lib/aws-ssm';",
        '',
        `const clientCertificateId = StringParameter.valueForStringParameter(this, ${typescriptString(parameter)});`,
        `new RestApi(this, ${id}, {`,
        '  // … the properties that it has, and:',
        `  deployOptions: { stageName: ${typescriptString(stage.stageName)}, clientCertificateId },`,
        '});',
      ].join('\n'),
    },
    ...(isGenerated
      ? [
          {
            title: `only if the stack made ${printable(clientCertificateId)}: keep it, deploy, then delete the resource from the stack`,
            language: 'typescript' as const,
            text: [
              "import { RemovalPolicy } from 'aws-cdk-lib';",
              '',
              '// certificate: its CfnClientCertificate',
              'certificate.applyRemovalPolicy(RemovalPolicy.RETAIN);',
            ].join('\n'),
          },
        ]
      : []),
    {
      title: 'instead of each deployment',
      language: 'sh',
      text: [
        words(
          ...['npx', 'cdk', 'deploy', stackName, '--method', 'prepare-change-set'],
          ...['--change-set-name', 'apigw-cert-check'],
        ),
        describeChangeSet(input),
      ].join('\n'),
    },
  ];
}

function serverlessSteps(input: StepsInput): IacStep[] {
  const { stage, clientCertificateId } = input;
  return [
    {
      title:
        'in serverless.yml: remove this plugin, which makes a certificate and switches to it before any backend trusts it',
      language: 'yaml',
      text: ['plugins:', '  # - serverless-api-client-certificate'].join('\n'),
    },
    {
      title: 'after each deployment: nothing happens until the certificate is due',
      language: 'sh',
      text: [
        words('npx', 'serverless', 'deploy', '--stage', stage.stageName),
        `${words('apigw-cert', 'rotate', '--stage', stageWord(input))} --trust pem-bundle:FILE`,
      ].join('\n'),
    },
    {
      title: 'only if a deployment created the stage again, so that it presents no certificate',
      language: 'sh',
      text: words('apigw-cert', 'attach', clientCertificateId, '--stage', stageWord(input)),
    },
  ];
}

/** What to paste and to run, in this order. */
export function iacSteps(tool: IacTool, input: StepsInput): IacStep[] {
  switch (tool) {
    case 'terraform':
      return terraformSteps(input);
    case 'cloudformation':
      return cloudformationSteps(input);
    case 'cdk':
      return cdkSteps(input);
    case 'serverless':
      return serverlessSteps(input);
  }
}
