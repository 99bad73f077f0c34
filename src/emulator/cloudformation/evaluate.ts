/** The functions of a template, with the values that stand for them in one stack. */
import { SUBSTITUTED } from '../../stacks/template.js';
import { validationError } from './errors.js';

/** Names that have no value yet: those of resources that are not made. */
export class NotYet extends Error {}

/** What names mean in a stack. */
export interface Names {
  /** The value of a parameter, a pseudo parameter, or a resource. @throws NotYet */
  ref: (name: string) => string | undefined;
  /** An attribute of a resource. @throws NotYet */
  attribute: (name: string, attribute: string) => string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NO_VALUE = Symbol('AWS::NoValue');

function substituted(text: string, own: Readonly<Record<string, unknown>>, names: Names): string {
  return text
    .replaceAll(SUBSTITUTED, (_, name: string) => {
      if (Object.hasOwn(own, name)) return String(own[name]);
      const [resource = '', attribute] = name.split('.');
      return attribute === undefined ? (names.ref(name) ?? '') : names.attribute(resource, attribute);
    })
    .replaceAll('${!', '${');
}

function call(name: string, input: unknown, names: Names): unknown {
  switch (name) {
    case 'Ref':
      return input === 'AWS::NoValue' ? NO_VALUE : names.ref(String(input));
    case 'Fn::GetAtt': {
      const [resource = '', attribute = ''] = Array.isArray(input)
        ? input.map(String)
        : String(input).split('.');
      return names.attribute(resource, attribute);
    }
    case 'Fn::Sub': {
      const [text, own = {}] = Array.isArray(input) ? (input as unknown[]) : [input];
      return substituted(String(text), evaluated(own, names) as Record<string, unknown>, names);
    }
    case 'Fn::Join': {
      const [separator, parts] = evaluated(input, names) as [string, string[]];
      return parts.join(separator);
    }
    default:
      throw validationError(`Template error: the emulator does not support ${name}`);
  }
}

/** A value of a template with its functions called. @throws ServiceError, NotYet */
export function evaluated(value: unknown, names: Names): unknown {
  if (Array.isArray(value))
    return value.map((each) => evaluated(each, names)).filter((each) => each !== NO_VALUE);
  if (!isObject(value)) return value;
  const [only, ...more] = Object.entries(value);
  if (only !== undefined && more.length === 0 && (only[0] === 'Ref' || only[0].startsWith('Fn::')))
    return call(only[0], only[1], names);
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]) => [key, evaluated(each, names)] as const)
      .filter(([, each]) => each !== NO_VALUE),
  );
}
