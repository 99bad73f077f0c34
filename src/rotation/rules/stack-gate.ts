/** Whether the stack that is to switch the stages can do that, and changes nothing else. Pure. */
import { stageIdsText } from '../../control-plane/stages-text.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import { listText, verbOf } from '../../platform/list-text.js';
import type { RotationSettings } from '../../settings/rotation.js';
import type { StackSwitchSettings } from '../../settings/stack-switch.js';
import { stackState } from '../../stacks/rules.js';
import type { StackView } from '../../stacks/stack.js';
import type { ParameterUse } from '../../stacks/template.js';
import type { GateFailure } from './gate-failure.js';
import { MOST_AT_ONCE } from './next-step.js';
import { stageText, type RotationUnit } from './unit.js';

/** The stack as it was last seen. */
export interface StackLook {
  settings: StackSwitchSettings;
  view: StackView;
  use: ParameterUse;
}

/** The stack, and what it is to do. */
export interface StackSight {
  look: StackLook;
  /** Every stage of the account and Region. */
  stages: readonly Stage[];
  /** Whether any stage is to be switched now. */
  isBehind: boolean;
  /** What it is to be set to and why the parameter does not accept that, where it is known that it does not. */
  refusal?: string | undefined;
}

/** All that decides whether it can. */
export interface StackGateInput extends StackSight {
  unit: Pick<RotationUnit, 'oldId' | 'old'>;
  moving: readonly Stage[];
  settings: Pick<RotationSettings, 'redeploy'>;
}

const STACK_NAME = 'aws:cloudformation:stack-name';
const STACK_ID = 'aws:cloudformation:stack-id';
const LOGICAL_ID = 'aws:cloudformation:logical-id';

type Tags = Readonly<Record<string, string>>;

/** Whether the tags of a stage or certificate say that a stack owns it. */
export const isOwnedBy = (tags: Tags, { id, name }: Pick<StackView, 'id' | 'name'>): boolean =>
  tags[STACK_NAME] === name && (tags[STACK_ID] ?? id) === id;

type Rule = (input: StackGateInput) => Omit<GateFailure, 'code'> | undefined;

const names = (stages: readonly Stage[]): string => stageIdsText(stages.map(stageText));

const parameterText = ({ settings, view }: StackLook): string =>
  `the parameter ${settings.parameter} of the stack ${view.name}`;

const isNotNested: Rule = ({ look: { view } }) =>
  view.isNested
    ? {
        message: `the stack ${view.name} is nested: the stack above it sets its parameters, and would revert the change`,
        hint: 'move the stage to a stack of its own, or rotate without switch: and with publish: (docs/publish.md)',
      }
    : undefined;

const hasParameter: Rule = ({ look }) => {
  const { parameter } = look.use;
  const hint = `add the parameter to the template, of the type String, and use it as ClientCertificateId of the stage: \`apigw-cert iac cloudformation\` prints how`;
  if (parameter === undefined)
    return { message: `the stack ${look.view.name} has no parameter ${look.settings.parameter}`, hint };
  if (parameter.type !== 'String')
    return {
      message: `${parameterText(look)} is of the type ${parameter.type}, which an update cannot set to an ID`,
      hint: 'specify a parameter of the type String; for one that is read from Systems Manager, use publish: instead (docs/publish.md)',
    };
  return parameter.isHidden
    ? {
        message: `${parameterText(look)} is hidden (NoEcho), so it cannot be compared with what the stage presents`,
        hint: 'remove NoEcho: the ID of a certificate is no secret',
      }
    : undefined;
};

/** Every stage that moves is switched by this update. */
const setsEachStage: Rule = ({ look, moving }) => {
  const { view, use } = look;
  const foreign = moving.filter(({ tags }) => !isOwnedBy(tags, view));
  if (foreign.length > 0)
    return {
      message: `${names(foreign)} ${verbOf(foreign, 'present')} the same certificate and ${foreign.length === 1 ? 'is' : 'are'} not of the stack ${view.name}, so an update of the stack does not switch ${foreign.length === 1 ? 'it' : 'them'}`,
      hint: 'rotate the stages of the stack alone (--only-stage), or attach a certificate of their own to the others',
      details: { stages: foreign.map(stageText) },
    };
  const set = new Set(use.stages.map(({ logicalId }) => logicalId));
  const unset = moving.filter(({ tags }) => !set.has(tags[LOGICAL_ID] ?? ''));
  return unset.length === 0
    ? undefined
    : {
        message: `the template of the stack ${view.name} does not set the certificate of ${names(unset)} to ${look.settings.parameter}`,
        hint: `set ClientCertificateId of the stage to { Ref: ${look.settings.parameter} } and update the stack`,
        details: { stages: unset.map(stageText) },
      };
};

/** No stage is switched that has not been looked at. */
const setsNoOtherStage: Rule = ({ look, moving, stages }) => {
  const { view, use } = look;
  const moved = new Set(moving.map(({ tags }) => tags[LOGICAL_ID]));
  const others = use.stages.filter(({ logicalId }) => !moved.has(logicalId));
  const isOther = (logicalId: string | undefined): boolean =>
    others.some((one) => one.logicalId === logicalId);
  const switched = stages.filter(({ tags }) => isOwnedBy(tags, view) && isOther(tags[LOGICAL_ID]));
  const hint =
    'rotate all stages that the parameter sets together (without --only-stage), after attaching the same certificate to them; or give each a parameter of its own';
  const said = (what: string): string =>
    `${parameterText(look)} also sets the certificate of ${what}, which this rotation does not switch`;
  if (switched.length > 0)
    return { message: said(names(switched)), hint, details: { stages: switched.map(stageText) } };
  const missing = others.filter(({ isConditional }) => !isConditional);
  if (missing.length === 0) return undefined;
  return { message: said(listText(missing.map(({ logicalId }) => `the resource ${logicalId}`))), hint };
};

const fitsOneUpdate: Rule = ({ look, moving }) =>
  moving.length <= MOST_AT_ONCE
    ? undefined
    : {
        message: `${parameterText(look)} sets the certificate of ${moving.length} stages; one update may switch ${MOST_AT_ONCE}`,
        hint: 'give some of the stages another parameter and another certificate',
      };

/** An update must not bring about what nobody has asked for. */
const changesNothingElse: Rule = ({ look: { view, use, settings } }) =>
  use.readAgain.length === 0 || settings.allowSsmParameters === true
    ? undefined
    : {
        message: `an update of the stack ${view.name} also reads ${listText(use.readAgain)} from Systems Manager again, and changes what depends on ${use.readAgain.length === 1 ? 'it' : 'them'}`,
        hint: 'compare the values with what Systems Manager holds; then add allowSsmParameters: true to switch:',
      };

const keepsDeployment: Rule = ({ look: { view }, settings }) =>
  settings.redeploy === 'never'
    ? undefined
    : {
        message: `the stack ${view.name} sets the deployment of its stages, so they cannot be redeployed without drift`,
        hint: 'omit --redeploy',
      };

/** What a stack expects to be there is not deleted. Tags stay on what a stack has given up: the template decides. */
const ownsNoOldCertificate: Rule = ({ look: { view, use }, unit: { oldId, old } }) =>
  old !== undefined && isOwnedBy(old.tags, view) && use.certificates.includes(old.tags[LOGICAL_ID] ?? '')
    ? {
        message: `the stack ${view.name} owns the client certificate ${oldId}, which a rotation deletes`,
        hint: 'add DeletionPolicy: Retain to it, update the stack, delete the resource from the template, and update the stack again: `apigw-cert iac cloudformation` prints how',
      }
    : undefined;

const isUpToDate: Rule = ({ look, moving }) => {
  const { parameter } = look.settings;
  const value = look.view.parameters.get(parameter) ?? '';
  const [first] = moving;
  if (first === undefined || moving.some(({ clientCertificateId }) => clientCertificateId === value))
    return undefined;
  const { clientCertificateId: presented = '' } = first;
  return {
    message: `${parameterText(look)} is ${value === '' ? 'empty' : value}, but ${names(moving)} ${verbOf(moving, 'present')} ${presented}`,
    hint: `update the stack with ${parameter}=${presented} and all other parameters as they are, then run again`,
    details: { stages: moving.map(stageText) },
  };
};

const acceptsValue: Rule = ({ look, isBehind, refusal }) =>
  !isBehind || refusal === undefined
    ? undefined
    : {
        message: `${parameterText(look)} does not accept ${refusal}`,
        hint: 'change that in the template and update the stack, then run again',
      };

const canBeUpdated: Rule = ({ look: { view }, isBehind }) => {
  if (!isBehind || stackState(view.status) !== 'blocked') return undefined;
  return {
    message: `the stack ${view.name} cannot be updated in the status ${view.status}${view.statusReason === undefined ? '' : ` (${view.statusReason.trim()})`}`,
    hint:
      view.status === 'UPDATE_ROLLBACK_FAILED'
        ? `run: aws cloudformation continue-update-rollback --stack-name ${view.name}; then run again`
        : 'bring the stack into a status that can be updated, then run again',
  };
};

const RULES: readonly Rule[] = [
  keepsDeployment,
  isNotNested,
  hasParameter,
  setsEachStage,
  setsNoOtherStage,
  fitsOneUpdate,
  changesNothingElse,
  ownsNoOldCertificate,
  acceptsValue,
  canBeUpdated,
  isUpToDate,
];

/** Why the stack must not switch the stages, or nothing. */
export function stackFailure(input: StackGateInput): GateFailure | undefined {
  const { view } = input.look;
  if (stackState(view.status) === 'busy') {
    return {
      code: 'RotationWaiting',
      message: `a change of the stack ${view.name} is in progress (${view.status})`,
      hint: 'run the same command again when it has ended',
    };
  }
  for (const rule of RULES) {
    const failure = rule(input);
    if (failure) return { code: 'StackNotUsable', ...failure };
  }
  return undefined;
}
