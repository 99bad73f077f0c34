/**
 * Who else manages a stage and its certificate, and may revert what is changed here. Every command that changes one of them
 * asks this. Pure.
 */
import type { StageRef } from '../../control-plane/api-gateway.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { listText } from '../../platform/list-text.js';
import type { Manager } from '../../settings/rotation.js';
import { assertOpen, type GateFailure } from './gate-failure.js';
import { stageText } from './unit.js';

type Tags = Readonly<Record<string, string>>;

/** What is about to be changed. */
export interface Managed {
  stages: readonly (StageRef & { tags: Tags })[];
  certificate?: { clientCertificateId: string; tags: Tags } | undefined;
}

/** What the user says about it. */
export interface ManagerSettings {
  managedBy?: Manager;
  /** Change it all the same. */
  allowDrift: boolean;
}

/** What would revert a change. */
export type Owner = { tool: 'CloudFormation'; stack?: string } | { tool: 'Terraform' };

const STACK_NAME = 'aws:cloudformation:stack-name';
const LOGICAL_ID = 'aws:cloudformation:logical-id';

/** The stage of the API that SAM makes where a template has none of its own. */
const IMPLICIT_API_OF_SAM = /^ServerlessRestApi\w*Stage$/;

/** Keys of tags that name a tool, in small letters without signs between them. */
const TOOL_KEYS: ReadonlySet<string> = new Set([
  ...['managedby', 'createdby', 'provisionedby', 'deployedby'],
  ...['provisioner', 'provisionedwith', 'managedwith', 'iac', 'tool'],
]);

/** Terraform sets no tags of its own; these are the usual ones. */
const hasTerraformTag = (tags: Tags): boolean =>
  Object.entries(tags).some(([key, value]) => {
    const plain = key.toLowerCase().replaceAll(/[^a-z]/g, '');
    return plain === 'terraform' || plain === 'opentofu'
      ? /^(?:true|yes|1|managed)$/i.test(value.trim())
      : TOOL_KEYS.has(plain) &&
          /^(?:hashicorp )?(?:terraform|opentofu|tofu|terragrunt)\b/i.test(value.trim());
  });

/** Whether a stage is one of a SAM template, which cannot set a client certificate. */
export const isSamStage = (tags: Tags): boolean =>
  tags[STACK_NAME] !== undefined && IMPLICIT_API_OF_SAM.test(tags[LOGICAL_ID] ?? '');

/** What would set another certificate on a stage, by its tags and by what the user says. */
export function ownerOfStage(tags: Tags, managedBy?: Manager): Owner | undefined {
  const setsNone = managedBy === 'sam' || managedBy === 'serverless' || isSamStage(tags);
  if (setsNone) return hasTerraformTag(tags) ? { tool: 'Terraform' } : undefined;
  return ownerOfCertificate(tags, managedBy);
}

/** What has made a certificate, and expects it to be there; or would set another one on a stage. */
export function ownerOfCertificate(tags: Tags, managedBy?: Manager): Owner | undefined {
  const stack = tags[STACK_NAME];
  if (stack !== undefined) return { tool: 'CloudFormation', stack };
  if (managedBy === 'terraform' || hasTerraformTag(tags)) return { tool: 'Terraform' };
  return managedBy === 'cloudformation' ? { tool: 'CloudFormation' } : undefined;
}

function ownersText(owners: readonly Owner[]): string {
  const stacks = [...new Set(owners.flatMap((owner) => ('stack' in owner ? [owner.stack] : [])))];
  const [first] = owners;
  if (first?.tool === 'Terraform') return 'Terraform, whose next apply';
  if (stacks.length === 0) return 'CloudFormation, whose next update';
  return `the CloudFormation stack${stacks.length === 1 ? '' : 's'} ${listText(stacks)}, whose next update`;
}

const CODES = {
  CloudFormation: 'StageManagedByCloudFormation',
  Terraform: 'StageManagedByTerraform',
} as const;

/** Why something must not be changed here: another tool manages it, and may revert the change. */
export function managerFailure(
  { stages, certificate }: Managed,
  { managedBy, allowDrift }: ManagerSettings,
): GateFailure | undefined {
  if (allowDrift) return undefined;
  const owned = stages.map((stage) => ({ stage, owner: ownerOfStage(stage.tags, managedBy) }));
  const ofCertificate = certificate && ownerOfCertificate(certificate.tags, managedBy);
  const owners = [...owned.map(({ owner }) => owner), ofCertificate].filter((owner) => owner !== undefined);
  const tool = owners.find((owner) => owner.tool === 'CloudFormation')?.tool ?? owners[0]?.tool;
  if (tool === undefined) return undefined;
  const managed = owned.flatMap(({ stage, owner }) => (owner?.tool === tool ? [stageText(stage)] : []));
  const subjects = [
    ...(managed.length === 0 ? [] : [stageIdsText(managed)]),
    ...(certificate !== undefined && ofCertificate?.tool === tool
      ? [`client certificate ${certificate.clientCertificateId}`]
      : []),
  ];
  const isOne = managed.length + subjects.length - (managed.length === 0 ? 0 : 1) === 1;
  const own = owners.filter((owner) => owner.tool === tool);
  const [first = { tool }] = own;
  return {
    code: CODES[tool],
    message: `${subjects.join(' and ')} ${isOne ? 'is' : 'are'} managed by ${ownersText(own)} may revert this change`,
    hint: hintOf(first, managed[0] ?? 'API/STAGE'),
    details: { stages: managed },
  };
}

function hintOf(owner: Owner, stage: string): string {
  if (owner.tool === 'Terraform')
    return `add what \`apigw-cert iac terraform --stage ${stage}\` prints to your configuration, then run again with --allow-drift`;
  const stack = owner.stack ?? 'STACK';
  return `have the stack switch its stage, with switch: { cloudformation: ${stack}, parameter: NAME } in apigw-cert.yaml (docs/iac.md); or add what \`apigw-cert iac cloudformation --stage ${stage}\` prints to the template, then run again with --allow-drift; SAM cannot set a client certificate: if the template is one of SAM, specify managedBy: sam in apigw-cert.yaml`;
}

/** @throws AppError `StageManagedByCloudFormation`, `StageManagedByTerraform` */
export const assertNotManaged = (managed: Managed, settings: ManagerSettings): void => {
  assertOpen(managerFailure(managed, settings));
};
