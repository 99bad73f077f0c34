/** What a request says a stack is to be made of, checked as CloudFormation does before it begins. */
import { readTemplate, type StackTemplate, type TemplateResource } from '../../stacks/template.js';
import { AppError } from '../../platform/errors.js';
import { ServiceError } from '../errors.js';
import type { Stack, StackInput, StackParameter, World } from '../model.js';
import { validationError } from './errors.js';
import { evaluated, NotYet, type Names } from './evaluate.js';
import type { FormValue } from './query.js';
import { resourceType } from './resources.js';

export type Form = Readonly<Record<string, FormValue>>;

export const textIn = (form: Form, name: string): string | undefined => {
  const value = form[name];
  return typeof value === 'string' ? value : undefined;
};

const structuresIn = (form: Form, name: string): Form[] => {
  const value = form[name];
  return Array.isArray(value)
    ? value.filter(
        (each): each is Record<string, FormValue> => typeof each === 'object' && !Array.isArray(each),
      )
    : [];
};

export const textsIn = (form: Form, name: string): string[] => {
  const value = form[name];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
};

/** The tags of a request; `undefined` where it says nothing of them. */
export const tagsOf = (form: Form): Map<string, string> | undefined =>
  form['Tags'] === undefined
    ? undefined
    : new Map(
        structuresIn(form, 'Tags').map((tag) => [textIn(tag, 'Key') ?? '', textIn(tag, 'Value') ?? '']),
      );

/** @throws ServiceError 400 */
export function parsedTemplate(text: string): StackTemplate {
  let template: StackTemplate;
  try {
    template = readTemplate(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw validationError('Template format error: JSON or YAML not well-formed.');
  }
  for (const { type } of template.resources.values()) resourceType(type);
  return template;
}

const SSM = /^AWS::SSM::Parameter::Value<String>$/;

/** What Systems Manager holds for a parameter of such a type. @throws ServiceError where it has none */
function resolvedValue(value: string, type: string, world: World): string | undefined {
  if (!SSM.test(type)) return undefined;
  const held = world.parameters.get(value);
  if (held !== undefined && held.type !== 'SecureString') return held.value;
  throw validationError(`Unable to fetch parameters [${value}] from parameter store for this account.`);
}

/**
 * What a stack is to be made of.
 * @param before the stack that is updated
 */
export function inputOf(form: Form, world: World, before?: Stack): StackInput {
  const isPrevious = textIn(form, 'UsePreviousTemplate') === 'true';
  const text = isPrevious ? before?.input.template : textIn(form, 'TemplateBody');
  if (text === undefined) throw validationError('Either Template URL or Template Body must be specified.');
  const template = parsedTemplate(text);
  const given = new Map(
    structuresIn(form, 'Parameters').map((each) => [textIn(each, 'ParameterKey') ?? '', each] as const),
  );
  const unknown = [...given.keys()].filter((name) => !template.parameters.has(name));
  if (unknown.length > 0)
    throw validationError(`Parameters: [${unknown.join(', ')}] do not exist in the template`);
  const missing: string[] = [];
  const parameters = new Map<string, StackParameter>();
  for (const [name, { type, isHidden, default: byDefault }] of template.parameters) {
    const wanted = given.get(name);
    const value =
      wanted && textIn(wanted, 'UsePreviousValue') === 'true'
        ? before?.input.parameters.get(name)?.value
        : ((wanted && textIn(wanted, 'ParameterValue')) ?? byDefault);
    if (value === undefined) missing.push(name);
    else parameters.set(name, { value, isHidden, resolved: resolvedValue(value, type, world) });
  }
  if (missing.length > 0) throw validationError(`Parameters: [${missing.join(', ')}] must have values`);
  assertCapable(template, textsIn(form, 'Capabilities'));
  return { template: text, parameters };
}

/** A template with a transform has to be agreed to at each creation and update. */
function assertCapable({ evaluated: sections }: StackTemplate, capabilities: readonly string[]): void {
  if (sections['Transform'] === undefined || capabilities.includes('CAPABILITY_AUTO_EXPAND')) return;
  throw new ServiceError(
    400,
    'InsufficientCapabilitiesException',
    'Requires capabilities : [CAPABILITY_AUTO_EXPAND]',
  );
}

/** What names in the template of a stack mean, as far as its resources are made. */
function namesOf({ id, name: stackName, resources }: Stack, { parameters }: StackInput, world: World): Names {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::AccountId': world.account,
    'AWS::Region': world.region,
    'AWS::StackId': id,
    'AWS::StackName': stackName,
  };
  const resource = (name: string) => {
    const found = resources.get(name);
    if (found === undefined) throw new NotYet(name);
    return found;
  };
  return {
    ref(name) {
      const parameter = parameters.get(name);
      if (parameter !== undefined) return parameter.resolved ?? parameter.value;
      return pseudo[name] ?? resource(name).physicalId;
    },
    attribute(name, attribute) {
      const value = resource(name).attributes[attribute];
      if (value === undefined) throw validationError(`Template error: resource ${name} has no ${attribute}`);
      return value;
    },
  };
}

/** The properties of a resource of the template. @returns `undefined` while it depends on what is not made */
export function propertiesOf(
  { properties }: Pick<TemplateResource, 'properties'>,
  { stack, input, world }: { stack: Stack; input: StackInput; world: World },
): Record<string, unknown> | undefined {
  try {
    return evaluated(properties, namesOf(stack, input, world)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof NotYet) return undefined;
    throw error;
  }
}
