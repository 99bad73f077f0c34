/** The stack that switches the stages of a target: `switch:` in `apigw-cert.yaml`. */
import * as z from 'zod/mini';
import { flag } from './fields.js';

/** AWS CloudFormation API Reference, `StackName` and `ParameterKey`. */
const STACK =
  /^(?:[A-Za-z][A-Za-z0-9-]{0,127}|arn:aws[a-z-]*:cloudformation:[a-z0-9-]+:\d{12}:stack\/[A-Za-z][\w-]*\/[\w-]+)$/;
const PARAMETER = /^[A-Za-z0-9]{1,255}$/;

export const stackSwitchSchema = z
  .strictObject({
    cloudformation: z
      .string()
      .check(
        z.regex(STACK, { error: 'the name or the ARN of a CloudFormation stack' }),
        z.describe('The CloudFormation stack that owns the stages, by its name or ARN'),
      ),
    parameter: z
      .string()
      .check(
        z.regex(PARAMETER, { error: 'the name of a parameter: letters and digits' }),
        z.describe('The String parameter of the stack that sets the client certificate of the stages'),
      ),
    allowSsmParameters: z.exactOptional(
      flag('Update the stack although the update reads other parameters from Systems Manager again'),
    ),
  })
  .check(
    z.describe(
      'The stages are switched by an update of the stack that owns them, which changes this parameter alone (docs/iac.md)',
    ),
  );

export type StackSwitchSettings = z.output<typeof stackSwitchSchema>;
