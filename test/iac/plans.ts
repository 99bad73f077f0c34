/** Plans in the documented shapes: `terraform show -json` (format_version 1.x) and DescribeChangeSet. */

export interface PlannedChange {
  type?: string;
  address?: string;
  actions: readonly string[];
  before?: unknown;
  after?: unknown;
  unknown?: unknown;
  sensitive?: { before?: unknown; after?: unknown };
  importing?: unknown;
  more?: object;
}

/** What an entry says of its own address beside it. */
const partsOf = (address: string, type: string): object => {
  const at = address.lastIndexOf(`${type}.`);
  const [, name = '', index] = /^([\w-]+)(?:\[(\d+)\])?$/.exec(address.slice(at + type.length + 1)) ?? [];
  return {
    ...(at > 0 ? { module_address: address.slice(0, at - 1) } : {}),
    mode: 'managed',
    type,
    name,
    ...(index === undefined ? {} : { index: Number(index) }),
    provider_name: 'registry.terraform.io/hashicorp/aws',
  };
};

export const terraformChange = (given: PlannedChange): object => {
  const { type = 'aws_api_gateway_stage', actions, before = null, after = null } = given;
  const { unknown = {}, sensitive = {}, importing, more } = given;
  const address = given.address ?? `${type}.orders`;
  return {
    address,
    ...partsOf(address, type),
    change: {
      actions,
      before,
      after,
      after_unknown: unknown,
      before_sensitive: sensitive.before ?? {},
      after_sensitive: sensitive.after ?? {},
      ...(importing === undefined ? {} : { importing }),
    },
    ...more,
  };
};

/** A stage as the provider has it. */
export const stageValues = (certificate?: unknown, more: object = {}): object => ({
  arn: 'arn:aws:apigateway:eu-west-1::/restapis/a1b2c3d4e5/stages/prod',
  cache_cluster_enabled: false,
  client_certificate_id: certificate ?? null,
  deployment_id: 'd1d1d1',
  id: 'ags-a1b2c3d4e5-prod',
  rest_api_id: 'a1b2c3d4e5',
  stage_name: 'prod',
  tags: {},
  tags_all: {},
  variables: null,
  ...more,
});

/** A client certificate as the provider has it. */
export const certificateValues = (id: string, more: object = {}): object => ({
  arn: `arn:aws:apigateway:eu-west-1::/clientcertificates/${id}`,
  created_date: '2026-01-02T03:04:05Z',
  description: 'orders backend',
  expiration_date: '2027-01-02T03:04:05Z',
  id,
  pem_encoded_certificate: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----',
  tags: null,
  tags_all: {},
  ...more,
});

export const CERTIFICATE = 'aws_api_gateway_client_certificate';
export const STAGE = 'aws_api_gateway_stage';

export const terraformPlan = (changes: readonly unknown[], more: object = {}): object => ({
  format_version: '1.2',
  terraform_version: '1.9.8',
  planned_values: { root_module: { resources: [{ address: 'aws_api_gateway_rest_api.orders' }] } },
  resource_changes: changes,
  prior_state: { format_version: '1.0', terraform_version: '1.9.8', values: { root_module: {} } },
  configuration: { provider_config: {}, root_module: {} },
  timestamp: '2026-11-28T12:00:00Z',
  applyable: true,
  complete: true,
  errored: false,
  ...more,
});

/** An entry of `Changes`. */
export const changeOf = (resource: object): object => ({ Type: 'Resource', ResourceChange: resource });

export const stageChange = (more: object = {}): object =>
  changeOf({
    Action: 'Modify',
    LogicalResourceId: 'ProdStage',
    PhysicalResourceId: 'prod',
    ResourceType: 'AWS::ApiGateway::Stage',
    Replacement: 'False',
    Scope: ['Properties'],
    Details: [],
    ...more,
  });

/** An entry of `Details` about one property. */
export const detail = (name: string, more: object = {}, evaluation = 'Static'): object => ({
  Target: { Attribute: 'Properties', Name: name, RequiresRecreation: 'Never', ...more },
  Evaluation: evaluation,
  ChangeSource: 'DirectModification',
});

/** BeforeContext and AfterContext, which are JSON in a string. */
export const contextOf = (properties: object): string => JSON.stringify({ Properties: properties });

export const changeSet = (changes: readonly unknown[], more: object = {}): object => ({
  ChangeSetName: 'release',
  ChangeSetId: 'arn:aws:cloudformation:eu-west-1:123456789012:changeSet/release/1',
  StackId: 'arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/1',
  StackName: 'orders',
  CreationTime: '2026-11-28T12:00:00Z',
  ExecutionStatus: 'AVAILABLE',
  Status: 'CREATE_COMPLETE',
  NotificationARNs: [],
  RollbackConfiguration: {},
  Capabilities: ['CAPABILITY_IAM'],
  Changes: changes,
  IncludeNestedStacks: false,
  ...more,
});
