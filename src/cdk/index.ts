/**
 * Constructs of the AWS CDK: the templates of docs/lambda, read as they are, so that both make the same resources under the
 * same names, and a stack of a template can become one of the CDK.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CfnStackSet, Stack } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { Topic, type ITopic } from 'aws-cdk-lib/aws-sns';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { Construct } from 'constructs';

// From dist/ of the package. The documents are part of it.
const templateFile = (name: string): string =>
  fileURLToPath(new URL(`../docs/lambda/${name}.yaml`, import.meta.url));

/** The values that are given, by the names of the template's parameters; the others keep their defaults. */
const given = (values: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

export interface ApiGwCertHubProps {
  /** The package of the function: `index.mjs` and `apigw-cert.yaml` (docs/lambda.md), as an asset or in S3. */
  readonly code: Code;
  /** The name of the role in each account. Default: `apigw-cert`. */
  readonly memberRoleName?: string;
  /** The table that `apigw-cert.yaml` specifies as its state. Default: `apigw-cert`. */
  readonly tableName?: string;
  /** How often certificates are looked at. Default: `rate(1 day)`. */
  readonly scheduleExpression?: string;
  /** The table in which hosts report (`acknowledge`), if it is another than `tableName`. */
  readonly reportsTable?: string;
  /** The bucket in which hosts report, and what the keys of the reports begin with. */
  readonly reportsBucket?: string;
  readonly reportsPrefix?: string;
}

/**
 * The account that rotates the certificates of the others: docs/lambda/hub.yaml. One in each stack, whose name is that of
 * the function.
 */
export class ApiGwCertHub extends Construct {
  /** The role of the function, which the roles of the other accounts trust. */
  readonly functionRoleArn: string;
  /** The alias that schedules invoke. */
  readonly aliasArn: string;
  /** What the alarms notify: subscribe to it. */
  readonly topic: ITopic;

  /** @throws Error for code that is neither an asset nor in S3 */
  constructor(scope: Construct, id: string, props: ApiGwCertHubProps) {
    super(scope, id);
    const { s3Location } = props.code.bind(this);
    if (s3Location === undefined) {
      throw new Error('the code of ApiGwCertHub must be an asset or an object in S3, not inline or an image');
    }
    const { bucketName, objectKey, objectVersion } = s3Location;
    const template = new CfnInclude(this, 'Template', {
      templateFile: templateFile('hub'),
      parameters: given({
        CodeBucket: bucketName,
        CodeKey: objectKey,
        MemberRoleName: props.memberRoleName,
        TableName: props.tableName,
        ScheduleExpression: props.scheduleExpression,
        ReportsTable: props.reportsTable,
        ReportsBucket: props.reportsBucket,
        ReportsPrefix: props.reportsPrefix,
      }),
    });
    if (objectVersion !== undefined) {
      template.getResource('Function').addPropertyOverride('Code.S3ObjectVersion', objectVersion);
    }
    // CloudFormation publishes a version only where the resource has another name.
    const location = JSON.stringify(Stack.of(this).resolve(s3Location));
    const release = createHash('sha256').update(location).digest('hex').slice(0, 12);
    template.getResource('Version1').overrideLogicalId(`Version${release}`);
    this.functionRoleArn = template.getResource('FunctionRole').getAtt('Arn').toString();
    this.aliasArn = template.getResource('Live').ref;
    this.topic = Topic.fromTopicArn(this, 'Topic', template.getResource('Topic').ref);
  }
}

export interface ApiGwCertMemberProps {
  /** `functionRoleArn` of the hub. */
  readonly hubRoleArn: string;
  /** `externalId` in `apigw-cert.yaml`. It is readable in the synthesized template. */
  readonly externalId: string;
  /** The name of the role. Default: `apigw-cert`. */
  readonly roleName?: string;
  /** The bucket of the lists that backends trust. */
  readonly trustBucket: string;
  /** What the keys of the lists begin with. Default: `trust/`. */
  readonly trustPrefix?: string;
  /** The cluster of trust stores of the kind `kubernetes` with `api: eks:CLUSTER`. */
  readonly eksClusterArn?: string;
  /** The stacks that switch their stages (`switch`), such as `arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/*`. */
  readonly switchStackArns?: string[];
}

const memberParameters = (props: ApiGwCertMemberProps): Record<string, string> =>
  given({
    HubRoleArn: props.hubRoleArn,
    ExternalId: props.externalId,
    RoleName: props.roleName,
    TrustBucket: props.trustBucket,
    TrustPrefix: props.trustPrefix,
    EksClusterArn: props.eksClusterArn,
    SwitchStackArns: props.switchStackArns?.join(','),
  });

/** The role in an account whose client certificates a hub account rotates: docs/lambda/member.yaml. */
export class ApiGwCertMember extends Construct {
  /** `roleArn` in `apigw-cert.yaml`. */
  readonly roleArn: string;

  constructor(scope: Construct, id: string, props: ApiGwCertMemberProps) {
    super(scope, id);
    const template = new CfnInclude(this, 'Template', {
      templateFile: templateFile('member'),
      parameters: memberParameters(props),
    });
    this.roleArn = template.getResource('Role').getAtt('Arn').toString();
  }
}

export interface ApiGwCertMembersProps extends ApiGwCertMemberProps {
  /** The organizational units whose accounts get the role, also those that join later. */
  readonly organizationalUnitIds: string[];
  /** Where the stacks are. A role is the same in all Regions. */
  readonly region: string;
  /** Default: `apigw-cert`. */
  readonly stackSetName?: string;
  /** `DELEGATED_ADMIN` in an account that is not the management account of the organization. */
  readonly callAs?: 'SELF' | 'DELEGATED_ADMIN';
}

/** The role in all accounts of organizational units: a StackSet of docs/lambda/member.yaml. */
export class ApiGwCertMembers extends Construct {
  constructor(scope: Construct, id: string, props: ApiGwCertMembersProps) {
    super(scope, id);
    const { organizationalUnitIds, region, stackSetName = 'apigw-cert', callAs } = props;
    new CfnStackSet(this, 'StackSet', {
      stackSetName,
      permissionModel: 'SERVICE_MANAGED',
      ...(callAs === undefined ? {} : { callAs }),
      autoDeployment: { enabled: true, retainStacksOnAccountRemoval: false },
      capabilities: ['CAPABILITY_NAMED_IAM'],
      templateBody: readFileSync(templateFile('member'), 'utf8'),
      parameters: Object.entries(memberParameters(props)).map(([parameterKey, parameterValue]) => ({
        parameterKey,
        parameterValue,
      })),
      stackInstancesGroup: [{ deploymentTargets: { organizationalUnitIds }, regions: [region] }],
    });
  }
}
