// An app as a user writes it, with the package as it is installed. Writes its templates and the report of cdk-nag to cdk.out.
import { App, CfnOutput, Stack, Validations } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { ApiGwCertHub, ApiGwCertMember, ApiGwCertMembers } from 'apigw-cert/cdk';
import { AwsSolutionsChecks } from 'cdk-nag';

const app = new App({ outdir: 'cdk.out', analyticsReporting: false });
const stack = new Stack(app, 'Hub');
const hub = new ApiGwCertHub(stack, 'Rotation', { code: Code.fromAsset('package') });
hub.topic.addSubscription(new EmailSubscription('someone@example.com'));
new CfnOutput(stack, 'AliasArn', { value: hub.aliasArn });
const member = {
  hubRoleArn: hub.functionRoleArn,
  externalId: 'example-external-id',
  trustBucket: 'example-trust',
};
new ApiGwCertMember(new Stack(app, 'Member'), 'Role', {
  ...member,
  hubRoleArn: 'arn:aws:iam::123456789012:role/hub',
});
new ApiGwCertMembers(stack, 'Members', {
  ...member,
  organizationalUnitIds: ['ou-abcd-12345678'],
  region: 'eu-west-1',
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
try {
  app.synth();
} catch (error) {
  // cdk-nag has findings, which the test compares.
  if (error.name !== 'ValidationFailed') throw error;
}
// An app of its own: the CDK warns that the condition of a parameter that is put in is always the same.
const switching = new App({ outdir: 'cdk.switching', analyticsReporting: false });
new ApiGwCertMember(new Stack(switching, 'Switching'), 'Role', {
  ...member,
  hubRoleArn: 'arn:aws:iam::123456789012:role/hub',
  switchStackArns: [
    'arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/*',
    'arn:aws:cloudformation:eu-west-1:111111111111:stack/billing/*',
  ],
});
switching.synth();
for (const code of [Code.fromInline('x')]) {
  try {
    new ApiGwCertHub(new Stack(new App(), 'Inline'), 'Rotation', { code });
  } catch ({ message }) {
    console.log(message);
  }
}
