import { entry, stageOption, type Where } from '../entry.js';

/** Which tool would apply the plan; its name is that of the command that prints what to paste. */
export type PlanTool = 'terraform' | 'cloudformation';

/** A resource of a plan. */
export interface Planned {
  /** As the tool calls it: a Terraform address, a logical id of CloudFormation. */
  address: string;
  tool: PlanTool;
}

/** A resource with the certificate that is in use before the apply, where the plan says which. */
export interface PlannedBefore extends Planned {
  before?: string;
}

/** What could not be determined, as a clause. */
export interface Reason {
  reason: string;
}

const steps = ({ tool }: Planned, where: Where): string =>
  `apigw-cert iac ${tool} --stage ${stageOption(where)} prints what to add, so that the certificate in use stays`;

const certificate = (id: string | undefined): string =>
  id === undefined ? 'the client certificate' : `client certificate ${id}`;

/** About plans of Terraform and OpenTofu and change sets of CloudFormation. */
export const PLAN_FINDINGS = {
  NestedStackUnknown: entry<Planned>({
    severity: 'unknown',
    meaning: 'A plan changes a stack whose own change set was not specified.',
    message: ({ address }) =>
      `${address}: what this stack changes is not in the plan, so it is unknown whether it changes a client certificate`,
    remedy: ({ tool }) =>
      tool === 'terraform'
        ? 'check a change set of the stack as well: apigw-cert iac check CHANGESET.json'
        : 'create the change set with --include-nested-stacks, and specify the file of each nested change set as well',
  }),
  PlanChangesStageCertificate: entry<PlannedBefore & { after?: string }>({
    severity: 'critical',
    meaning: 'A plan switches a stage to another client certificate.',
    message: ({ address, before, after }) =>
      `${address}: the apply switches the stage from ${before ?? 'the certificate in use'} to ${after ?? 'another client certificate'}: every backend that does not trust the latter refuses all requests`,
    remedy: steps,
  }),
  PlanCreatesCertificate: entry<PlannedBefore>({
    severity: 'critical',
    meaning: 'A plan creates a client certificate, which no backend trusts.',
    message: ({ address, before }) =>
      `${address}: the apply creates a client certificate that no backend trusts${before === undefined ? '' : `, instead of ${before}, which no longer exists`}: a backend refuses all requests of a stage that presents it`,
    remedy: ({ address, tool }, where) =>
      tool === 'terraform'
        ? `import the certificate in use instead: terraform import '${address}' ID; ${steps({ address, tool }, where)}`
        : steps({ address, tool }, where),
  }),
  PlanCreatesStage: entry<Planned & { after?: string }>({
    severity: 'info',
    meaning: 'A plan creates a stage, whose backends must trust its client certificate.',
    message: ({ address, after }) =>
      `${address}: the apply creates a stage${after === undefined ? '' : ` that presents ${after}`}; its backends must trust its certificate before the first request`,
  }),
  PlanDeletesCertificate: entry<PlannedBefore>({
    severity: 'critical',
    meaning: 'A plan deletes a client certificate.',
    message: ({ address, before }) =>
      `${address}: the apply deletes ${certificate(before)}: AWS refuses this while a stage presents it, and no stage can be switched back to it afterwards`,
    remedy: steps,
  }),
  PlanDeletesStage: entry<PlannedBefore>({
    severity: 'critical',
    meaning: 'A plan deletes a stage that presents a client certificate.',
    message: ({ address, before }) =>
      `${address}: the apply deletes a stage that presents ${before ?? 'a client certificate'}: its clients get no answer any more`,
    remedy: 'apply it only if no client calls this stage any more',
  }),
  PlanDrift: entry<PlannedBefore & { after?: string }>({
    severity: 'warning',
    meaning:
      'A stage’s certificate, or a client certificate, was changed outside of Terraform since its last apply.',
    message: ({ address, before, after }) =>
      `${address}: changed outside of Terraform since its last apply, as a rotation does: ${before ?? 'no certificate'} → ${after ?? 'no certificate'}`,
    remedy: steps,
  }),
  PlanForgets: entry<Planned>({
    severity: 'info',
    meaning: 'A plan ends the management of a client certificate or stage without deleting it.',
    message: ({ address }) => `${address}: the apply no longer manages it, and leaves it as it is`,
  }),
  PlanIncomplete: entry<Reason>({
    severity: 'unknown',
    meaning: 'A plan is incomplete, so what it does not show is unknown.',
    message: ({ reason }) => `the plan is incomplete: ${reason}`,
    remedy: 'plan everything again, without -target, and check the new plan',
  }),
  PlanNotUnderstood: entry<Reason>({
    severity: 'unknown',
    meaning: 'A plan, or a part of it, is not in a form that is understood.',
    message: ({ reason }) => `not understood: ${reason}`,
    remedy:
      'specify what `terraform show -json PLAN`, `tofu show -json PLAN` or `aws cloudformation describe-change-set` prints',
  }),
  PlanRemovesStageCertificate: entry<PlannedBefore>({
    severity: 'critical',
    meaning: 'A plan removes the client certificate of a stage.',
    message: ({ address, before }) =>
      `${address}: the apply removes ${certificate(before)} from the stage: every backend that requires one refuses all requests`,
    remedy: steps,
  }),
  PlanReplacesCertificate: entry<PlannedBefore & { deletesFirst: boolean }>({
    severity: 'critical',
    meaning: 'A plan replaces a client certificate with a new one, which no backend trusts.',
    message: ({ address, before, deletesFirst }) =>
      deletesFirst
        ? `${address}: the apply deletes ${certificate(before)} and creates another one: AWS refuses this while a stage presents it, and no backend trusts the new one`
        : `${address}: the apply replaces ${certificate(before)} with a new one and switches its stages at once, before any backend trusts it: backends refuse all requests`,
    remedy: 'renew it with apigw-cert rotate, which tests the backends before the switch',
  }),
  PlanReplacesStage: entry<PlannedBefore>({
    severity: 'critical',
    meaning: 'A plan deletes a stage and creates it again.',
    message: ({ address, before }) =>
      `${address}: the apply deletes the stage${before === undefined ? '' : `, which presents ${before},`} and creates it again: no request is answered in between`,
    remedy: 'find out which property forces the replacement, and leave it unchanged',
  }),
  PlanValueUnknown: entry<Planned & { what: string }>({
    severity: 'unknown',
    meaning: 'A value that decides about a client certificate or stage is not known before the apply.',
    message: ({ address, what }) => `${address}: ${what}`,
    remedy: ({ tool }) =>
      tool === 'terraform'
        ? 'make the value known before the apply, or exclude it with lifecycle { ignore_changes = [client_certificate_id] }'
        : 'describe the change set with --include-property-values, and make the value known before the update',
  }),
};
