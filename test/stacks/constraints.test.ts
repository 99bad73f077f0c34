import { expect, test } from '@jest/globals';
import { constraintsOf, refusalOf, type ParameterConstraints } from '../../src/stacks/constraints.js';

const ARN = 'arn:aws:acm:eu-central-1:123456789012:certificate/12345678-90ab-cdef-1234-567890abcdef';
const STACK = 'arn:aws:cloudformation:eu-central-1:123456789012:stack/orders/1';
const of = (AllowedPattern: string) => ({ AllowedPattern });

test.each<[object, string, string | undefined]>([
  [{}, 'a1b2c3', undefined],
  [of('[a-z0-9]{6}'), 'a1b2c3', undefined],
  [of('[a-z0-9]{6}'), ARN, 'AllowedPattern: [a-z0-9]{6}'],
  // The whole value has to match.
  [of('[a-z0-9]{5}'), 'a1b2c3', 'AllowedPattern: [a-z0-9]{5}'],
  [of('a|a1'), 'a1b2c3', 'AllowedPattern: a|a1'],
  [of('^(?:[a-z0-9]{6}|arn:aws:acm:.*)$'), ARN, undefined],
  [of('^arn:aws[a-z-]*:acm:[a-z0-9-]+:\\d{12}:certificate/[a-f0-9-]+$'), ARN, undefined],
  [
    of('^arn:aws[a-z-]*:acm:[a-z0-9-]+:\\d{12}:certificate/.+$'),
    'a1b2c3',
    'AllowedPattern: ^arn:aws[a-z-]*:acm:[a-z0-9-]+:\\d{12}:certificate/.+$',
  ],
  [of('^(cert-.*)?$'), 'a1b2c3', 'AllowedPattern: ^(cert-.*)?$'],
  [of('[^\\d.-]\\w{2,}'), '1b2c3d', 'AllowedPattern: [^\\d.-]\\w{2,}'],
  // What Java reads in another way, or what could take long, is not known.
  [of('[a-z&&[^a]]+'), 'a1b2c3', undefined],
  [of('[a[b]]'), 'x]', undefined],
  [of('\\p{Alpha}+'), 'a1b2c3', undefined],
  [of('(?i)CERT'), 'a1b2c3', undefined],
  [of('a++'), 'a1b2c3', undefined],
  [of('a{1,2}+'), 'a1b2c3', undefined],
  [of('\\Qx\\E'), 'a1b2c3', undefined],
  [of('(?=x)x'), 'a1b2c3', undefined],
  [of('(a)\\1'), 'a1b2c3', undefined],
  [of('x)|(y'), 'a1b2c3', undefined],
  [of('(x+)+'), `${'x'.repeat(80)}y`, undefined],
  [of('(x|xx){9}'), 'a1b2c3', undefined],
  [of(`${'x*'.repeat(5)}z`), `${'x'.repeat(80)}y`, undefined],
  [of(`${'x?'.repeat(9)}z`), 'a1b2c3', undefined],
  [{ AllowedPattern: 7 }, 'a1b2c3', undefined],
  [{ AllowedValues: ['a1b2c3', 'd4e5f6'] }, 'd4e5f6', undefined],
  [{ AllowedValues: ['a1b2c3', 'd4e5f6'] }, 'aaaaaa', 'AllowedValues: a1b2c3, d4e5f6'],
  // YAML has read a text of digits as a number.
  [{ AllowedValues: [12345] }, '012345', undefined],
  [{ AllowedValues: 'a1b2c3' }, 'aaaaaa', undefined],
  [{ MinLength: 6, MaxLength: '6' }, 'a1b2c3', undefined],
  [{ MinLength: '7' }, 'a1b2c3', 'MinLength: 7'],
  [{ MaxLength: 5 }, 'a1b2c3', 'MaxLength: 5'],
  [{ MaxLength: '5 ' }, 'a1b2c3', undefined],
  [{ MaxLength: 5.5 }, 'a1b2c3', undefined],
])('%j and %s: %s', (declaration, value, reason) => {
  const constraints = constraintsOf(declaration as Record<string, unknown>);
  expect(refusalOf(constraints, { id: value }, STACK)).toBe(reason && `${value} (${reason})`);
});

test.each<[ParameterConstraints, 'generate' | 'import', string | undefined]>([
  [{}, 'generate', undefined],
  [{ allowedPattern: '[a-z]{6}' }, 'generate', undefined],
  [{ allowedPattern: '[0-9]{6}' }, 'generate', undefined],
  [{ allowedPattern: 'arn:.*' }, 'generate', 'a1b2c3 (AllowedPattern: arn:.*)'],
  [{ allowedValues: ['d4e5f6'] }, 'generate', 'a1b2c3 (AllowedValues: d4e5f6)'],
  [{ allowedPattern: 'arn:.*' }, 'import', undefined],
  [{ maxLength: 6 }, 'import', `${ARN} (MaxLength: 6)`],
])('%j and what is not made yet, by %s: %s', (constraints, madeBy, refusal) => {
  expect(refusalOf(constraints, { madeBy }, STACK)).toBe(
    refusal && `the ID of a new certificate, such as ${refusal}`,
  );
});
