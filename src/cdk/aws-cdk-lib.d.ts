/**
 * As much of the CDK's types as the constructs use, so that checking and building this package does not need its 191 MB.
 * `test/cdk` compiles the constructs with the real types.
 */
declare module 'constructs' {
  export class Construct {
    constructor(scope: Construct, id: string);
    readonly node: object;
  }
}

declare module 'aws-cdk-lib' {
  import { Construct } from 'constructs';
  export class Stack extends Construct {
    static of(construct: Construct): Stack;
    resolve(value: unknown): unknown;
  }
  export class CfnResource extends Construct {
    readonly ref: string;
    getAtt(name: string): { toString(): string };
    overrideLogicalId(id: string): void;
    addPropertyOverride(path: string, value: unknown): void;
  }
  export class CfnStackSet extends CfnResource {
    constructor(
      scope: Construct,
      id: string,
      props: {
        stackSetName: string;
        permissionModel: string;
        callAs?: string;
        autoDeployment: { enabled: boolean; retainStacksOnAccountRemoval: boolean };
        capabilities: string[];
        templateBody: string;
        parameters: { parameterKey: string; parameterValue: string }[];
        stackInstancesGroup: {
          deploymentTargets: { organizationalUnitIds: string[] };
          regions: string[];
        }[];
      },
    );
  }
}

declare module 'aws-cdk-lib/aws-lambda' {
  import type { Construct } from 'constructs';
  export abstract class Code {
    bind(scope: Construct): {
      s3Location?: { bucketName: string; objectKey: string; objectVersion?: string };
    };
  }
}

declare module 'aws-cdk-lib/aws-sns' {
  import type { Construct } from 'constructs';
  export interface ITopic {
    readonly topicArn: string;
  }
  export class Topic implements ITopic {
    readonly topicArn: string;
    static fromTopicArn(scope: Construct, id: string, topicArn: string): ITopic;
  }
}

declare module 'aws-cdk-lib/cloudformation-include' {
  import type { CfnResource } from 'aws-cdk-lib';
  import { Construct } from 'constructs';
  export class CfnInclude extends Construct {
    constructor(
      scope: Construct,
      id: string,
      props: { templateFile: string; parameters: Record<string, string> },
    );
    getResource(logicalId: string): CfnResource;
  }
}
