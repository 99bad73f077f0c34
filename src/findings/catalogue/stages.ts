import { about, stageOption, entry, type NoArgs, type Subject, type Where } from '../entry.js';

const named = ({ stage }: Where): string =>
  stage === undefined ? 'the stage' : `stage ${stage.apiName}/${stage.stageName}`;

/** What a stage refers to: the id of a client certificate, or the ARN of an ACM certificate. */
export interface Reference {
  certificate: string;
}

/** About one stage and how its API is defined. */
export const STAGE_FINDINGS = {
  AcmNotTested: entry<Reference>({
    severity: 'warning',
    meaning:
      'API Gateway accepts no test call with an ACM certificate, so it is not known whether the backends accept it.',
    message: ({ certificate }, where) =>
      `API Gateway accepted no test call with ${certificate}: it is not known whether the backends of ${named(where)} accept it`,
    remedy:
      'call the stage itself, or present the certificate where its key is at hand: apigw-cert backend verify URL --cert FILE --key FILE',
  }),
  AnyWithIntegrationMethod: about(
    'info',
    'every call of this ANY method, even a GET, reaches the backend with the method of the integration',
    'no safe call can be made with it: specify with --probe a call that changes nothing in the backend, or set the integration method to ANY',
  ),
  ManagedByCloudFormation: about(
    'warning',
    'this CloudFormation stack manages the stage or its certificate: its next update may set the certificate of the template again, also after a rotation',
    (_, where) =>
      `add what apigw-cert iac cloudformation --stage ${stageOption(where)} prints to the template, then rotate with --allow-drift`,
  ),
  ManagedBySam: about(
    'info',
    'SAM manages this stage, and cannot set a client certificate: its deployments leave the certificate as it is',
  ),
  ManagedByTerraform: entry<NoArgs>({
    severity: 'warning',
    meaning:
      'By its tags, Terraform manages the stage or its certificate: its next apply may revert a rotation.',
    message: (_, where) =>
      `by the tags, Terraform manages ${named(where)} or its certificate: its next apply may revert a rotation`,
    remedy: (_, where) =>
      `add what apigw-cert iac terraform --stage ${stageOption(where)} prints to your configuration, then rotate with --allow-drift`,
  }),
  NeverPresented: entry<NoArgs>({
    severity: 'info',
    meaning: 'A stage has a certificate but no https integration that would present it.',
    message: (_, where) =>
      `${named(where)} has a certificate, but no https integration that would present it`,
    remedy: (_, where) =>
      `give the integrations an https address, or remove the certificate: apigw-cert detach --stage ${stageOption(where)}`,
  }),
  StageCertificateMissing: entry<Reference>({
    severity: 'warning',
    meaning: 'A stage refers to a certificate that does not exist.',
    message: ({ certificate }, where) => `${named(where)} refers to ${certificate}, which does not exist`,
    remedy: (_, where) => `attach one that exists: apigw-cert attach ID --stage ${stageOption(where)}`,
  }),
  StageVariableUnset: about<Subject & { variable: string }>(
    'warning',
    'this stage variable is not set, so the address of the backend is incomplete',
    ({ variable }, { stage: { restApiId = 'API', stageName = 'STAGE' } = {} }) =>
      `set it: aws apigateway update-stage --rest-api-id ${restApiId} --stage-name ${stageName} --patch-operations op=replace,path=/variables/${variable},value=VALUE`,
  ),
  StageWithoutCertificate: entry<{
    /** Their names, where they are known. */
    backends?: string;
  }>({
    severity: 'warning',
    meaning: 'A stage calls https backends without a certificate (AWS Security Hub APIGateway.2).',
    message: ({ backends }, where) =>
      `${named(where)} calls https backends without a client certificate${backends === undefined ? '' : `: ${backends}`}`,
    remedy: (_, where) => `apigw-cert generate, then apigw-cert attach ID --stage ${stageOption(where)}`,
  }),
};
