/** Templates of CloudFormation, as far as client certificates of stages are concerned. Pure; nothing of them is trusted. */
import { parse, type CollectionTag, type ScalarTag } from 'yaml';
import { AppError } from '../platform/errors.js';
import { constraintsOf, type ParameterConstraints } from './constraints.js';

type Json = Readonly<Record<string, unknown>>;

export { refusalOf } from './constraints.js';

/** A resource of a template. Its properties are as they are written, with the functions in them. */
export interface TemplateResource {
  logicalId: string;
  type: string;
  properties: Json;
  /** Whether it exists only under a condition. */
  isConditional: boolean;
  /** Of `DeletionPolicy` and `UpdateReplacePolicy`, what keeps it when it goes from the template. */
  isRetained: boolean;
}

/** A parameter of a template. */
export interface TemplateParameter {
  /** `String`, `AWS::SSM::Parameter::Value<String>`. */
  type: string;
  default?: string;
  /** `NoEcho`: nobody is shown its value. */
  isHidden: boolean;
  constraints: ParameterConstraints;
}

/** A template. */
export interface StackTemplate {
  /** By their names. */
  parameters: ReadonlyMap<string, TemplateParameter>;
  resources: ReadonlyMap<string, TemplateResource>;
  /** Everything in it that an update evaluates: all but its parameters and what is about them. */
  evaluated: Json;
}

/** The functions that YAML has a short form for (user guide, "Intrinsic function reference"). */
const FUNCTIONS = [
  ...[
    'And',
    'Base64',
    'Cidr',
    'Equals',
    'FindInMap',
    'GetAtt',
    'GetAZs',
    'If',
    'ImportValue',
    'Join',
    'Length',
  ],
  ...['Not', 'Or', 'Select', 'Split', 'Sub', 'ToJsonString', 'Transform'],
];

const longForm = (name: string): string => (name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`);

const shortForms = ['Ref', 'Condition', ...FUNCTIONS].flatMap((name): (ScalarTag | CollectionTag)[] => {
  const tag = `!${name}`;
  const of = (value: unknown): Json => ({ [longForm(name)]: value });
  return [
    // `!GetAtt A.B` is the list of both.
    { tag, resolve: (text) => of(name === 'GetAtt' ? text.split('.') : text) },
    { tag, collection: 'seq', resolve: (node) => of(node.toJSON()) },
    { tag, collection: 'map', resolve: (node) => of(node.toJSON()) },
  ];
});

const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const entriesOf = (value: unknown): [string, Json][] =>
  isJson(value) ? Object.entries(value).filter((entry): entry is [string, Json] => isJson(entry[1])) : [];

/** Sections that say something about the template, and nothing of what an update does. */
const ABOUT: ReadonlySet<string> = new Set(['Parameters', 'Metadata', 'Description', 'Rules']);

/**
 * Reads a template, in JSON or YAML.
 * @throws AppError `StackNotUsable` for what is none
 */
export function readTemplate(text: string): StackTemplate {
  let template: unknown;
  try {
    template = parse(text, { customTags: shortForms, logLevel: 'silent' });
  } catch (cause) {
    throw unreadable(cause);
  }
  if (!isJson(template) || !isJson(template['Resources'])) throw unreadable();
  return {
    parameters: new Map(
      entriesOf(template['Parameters']).map(([name, declaration]) => {
        const { Type: type, Default: value, NoEcho: hidden } = declaration;
        return [
          name,
          {
            type: typeof type === 'string' ? type : '',
            isHidden: hidden === true || hidden === 'true',
            constraints: constraintsOf(declaration),
            ...(typeof value === 'string' || typeof value === 'number' ? { default: String(value) } : {}),
          },
        ];
      }),
    ),
    resources: new Map(
      entriesOf(template['Resources']).map(([logicalId, { Type: type, Properties, Condition, ...rest }]) => [
        logicalId,
        {
          logicalId,
          type: typeof type === 'string' ? type : '',
          properties: isJson(Properties) ? Properties : {},
          isConditional: Condition !== undefined,
          isRetained: rest['DeletionPolicy'] === 'Retain',
        },
      ]),
    ),
    evaluated: Object.fromEntries(Object.entries(template).filter(([section]) => !ABOUT.has(section))),
  };
}

const unreadable = (cause?: unknown): AppError =>
  new AppError('StackNotUsable', 'the template of the stack cannot be read', {
    cause,
    hint: 'check it: aws cloudformation get-template --template-stage Processed --stack-name STACK',
  });

/** Names in a text of `Fn::Sub` that are not literal: `${Name}`, `${Name.Attribute}`, but not `${!Name}`. */
export const SUBSTITUTED = /\$\{([^!}][^}]*)\}/g;

/** Whether a value is that of the parameter, whatever the conditions around it are. */
function isValueOf(value: unknown, parameter: string): boolean {
  if (!isJson(value)) return false;
  const { Ref: ref, 'Fn::Sub': sub, 'Fn::If': branches } = value;
  if (ref === parameter || sub === `\${${parameter}}`) return true;
  return Array.isArray(branches) && branches.slice(1).some((branch) => isValueOf(branch, parameter));
}

const STAGES: ReadonlySet<string> = new Set(['AWS::ApiGateway::Stage', 'AWS::ApiGatewayV2::Stage']);

function isUsed(value: unknown, name: string): boolean {
  if (typeof value === 'string') return false;
  if (Array.isArray(value)) return value.some((each) => isUsed(each, name));
  if (!isJson(value)) return false;
  return Object.entries(value).some(([key, each]) => {
    if (key === 'Ref') return each === name;
    const text: unknown = key === 'Fn::Sub' && Array.isArray(each) ? each[0] : each;
    if (key === 'Fn::Sub' && typeof text === 'string')
      return [...text.matchAll(SUBSTITUTED)].some(([, found]) => found === name) || isUsed(each, name);
    return isUsed(each, name);
  });
}

/** Types whose value an update reads again from Systems Manager, whatever it is about. */
const READ_AGAIN = 'AWS::SSM::Parameter::Value<';

/** What a template does with one of its parameters, as far as certificates of stages are concerned. */
export interface ParameterUse {
  /** Absent where the template has no such parameter. */
  parameter?: Pick<TemplateParameter, 'type' | 'isHidden' | 'constraints'>;
  /** The stages whose certificate is what the parameter holds. */
  stages: Pick<TemplateResource, 'logicalId' | 'isConditional'>[];
  /** The other parameters that an update reads from Systems Manager again, as far as anything depends on them. */
  readAgain: string[];
  /** Logical ids of the client certificates that the stack makes. */
  certificates: string[];
}

/** Works out {@link ParameterUse}. @throws AppError `StackNotUsable` for what is no template */
export function parameterUse(text: string, name: string): ParameterUse {
  const { parameters, resources, evaluated } = readTemplate(text);
  const parameter = parameters.get(name);
  const all = [...resources.values()];
  return {
    ...(parameter === undefined ? {} : { parameter }),
    stages: all.filter(
      ({ type, properties }) => STAGES.has(type) && isValueOf(properties['ClientCertificateId'], name),
    ),
    readAgain: [...parameters].flatMap(([other, { type }]) =>
      other !== name && type.startsWith(READ_AGAIN) && isUsed(evaluated, other) ? [other] : [],
    ),
    certificates: all.flatMap(({ type, logicalId }) =>
      type === 'AWS::ApiGateway::ClientCertificate' ? [logicalId] : [],
    ),
  };
}
