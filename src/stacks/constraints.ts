/** What a template says of the values that one of its parameters accepts (user guide, "Parameters"). Pure. */

/** Of a parameter of the type `String`; a member that cannot be read is left out, and then says nothing. */
export interface ParameterConstraints {
  /** A regular expression of Java, which has to match the whole value. */
  allowedPattern?: string;
  allowedValues?: readonly string[];
  minLength?: number;
  maxLength?: number;
}

const numberOf = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
};

/** @param declaration of the parameter in its template */
export function constraintsOf(declaration: Readonly<Record<string, unknown>>): ParameterConstraints {
  const { AllowedPattern: pattern, AllowedValues: values, MinLength, MaxLength } = declaration;
  const minLength = numberOf(MinLength);
  const maxLength = numberOf(MaxLength);
  // YAML may have read `012345` as a number: what was written is not known then.
  const isText = Array.isArray(values) && values.every((value): value is string => typeof value === 'string');
  return {
    ...(typeof pattern === 'string' ? { allowedPattern: pattern } : {}),
    ...(isText ? { allowedValues: values } : {}),
    ...(minLength === undefined ? {} : { minLength }),
    ...(maxLength === undefined ? {} : { maxLength }),
  };
}

/** The part of regular expressions that means the same in Java and JavaScript. */
const COMMON =
  /^(?:\\[dwsDWS.\-/\\+*?()|{}$^[\]]|\[\^?(?:\\[dwsDWS.\-/\\\]^[]|[^\\[\]&])+\]|\((?:\?:|(?!\?))|[*+?](?![*+])|\{\d{1,4}(?:,\d{0,4})?\}(?!\+)|[^\\[\]{}*+?(])*$/;
/** Parts that can match in several ways. */
const AMBIGUOUS = /[*+]|\{\d+,\d*\}|\?(?!:)/g;
/** More of them would take long for a value that does not match. */
const MOST_AMBIGUOUS = 4;

/** Whether a pattern matches all of a value; nothing where that is not known. */
function isMatched(pattern: string, value: string): boolean | undefined {
  const ambiguous = pattern.match(AMBIGUOUS) ?? [];
  if (!COMMON.test(pattern) || /\)[*+{]/.test(pattern) || ambiguous.length > MOST_AMBIGUOUS) return undefined;
  try {
    // By itself too: what closes no group of its own would close the one around it.
    new RegExp(pattern);
    return new RegExp(`^(?:${pattern})$`).test(value);
  } catch {
    return undefined;
  }
}

function refusedBecause(
  { allowedPattern, allowedValues, minLength, maxLength }: ParameterConstraints,
  value: string,
): string | undefined {
  if (allowedValues && !allowedValues.includes(value)) return `AllowedValues: ${allowedValues.join(', ')}`;
  if (minLength !== undefined && value.length < minLength) return `MinLength: ${minLength}`;
  if (maxLength !== undefined && value.length > maxLength) return `MaxLength: ${maxLength}`;
  if (allowedPattern !== undefined && isMatched(allowedPattern, value) === false)
    return `AllowedPattern: ${allowedPattern}`;
  return undefined;
}

/** The id of a certificate, or what gives it the id. */
export type ComingValue = { id: string } | { madeBy: 'generate' | 'import' };

/** An ID as API Gateway makes them, 6 lower-case letters and digits, and an ARN as ACM does. */
function examplesOf(madeBy: 'generate' | 'import', stackId: string): string[] {
  if (madeBy === 'generate') return ['a1b2c3', 'abcdef', '123456'];
  const [, partition = 'aws', , region = '', account = ''] = stackId.split(':');
  return [`arn:${partition}:acm:${region}:${account}:certificate/12345678-90ab-cdef-1234-567890abcdef`];
}

/**
 * What a parameter is to be set to, and why it refuses that; nothing where it accepts it, and where that is not known. An id
 * that is not made yet is judged by what it will look like, and refused only where none such is accepted.
 * @param stackId the ARN of the stack
 */
export function refusalOf(
  constraints: ParameterConstraints,
  value: ComingValue,
  stackId: string,
): string | undefined {
  const isMade = 'id' in value;
  const values = isMade ? [value.id] : examplesOf(value.madeBy, stackId);
  const reasons = values.map((each) => refusedBecause(constraints, each));
  if (reasons.includes(undefined)) return undefined;
  return `${isMade ? '' : 'the ID of a new certificate, such as '}${values[0]} (${reasons[0]})`;
}
