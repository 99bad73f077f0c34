import type { Command } from 'commander';
import type { StageAddress } from '../../../control-plane/resolve-stage.js';
import type { IacStep, IacTool } from '../../../iac/steps.js';
import { action, command } from '../../../terminal/command.js';
import { addStageOptions } from '../../../terminal/stage-options.js';
import type { IacNames } from './run.js';

type Options = StageAddress & IacNames;

const SUMMARIES: Readonly<Record<IacTool, string>> = {
  terraform:
    'Print what to add to Terraform or OpenTofu, so that it leaves the certificate of a stage as it is',
  cloudformation:
    'Print what to add to a CloudFormation template, so that it keeps the certificate of a stage',
  cdk: 'Print what to add to a CDK stack, so that it keeps the certificate of a stage',
  serverless: 'Print how to use the Serverless Framework with a stage that presents a certificate',
};

const HELP: Readonly<Record<IacTool, string>> = {
  terraform: `A rotation replaces the certificate outside of Terraform. Without these steps, the next apply sees that the old one no longer
exists, creates another one that no backend trusts, and switches the stage to it.`,
  cloudformation: `A rotation replaces the certificate outside of the stack. A dynamic reference ({{resolve:ssm:…}}) is not resolved again while
the template is unchanged, so the steps use a parameter, which each update resolves. A template of SAM cannot set a client
certificate: its updates leave the certificate of the stage as it is, and it needs none of these steps.`,
  cdk: `A rotation replaces the certificate outside of the stack. The steps use a parameter that each deployment resolves.`,
  serverless: `The Serverless Framework has no setting for client certificates, so a deployment sets none; a plugin that sets one switches
to it before any backend trusts it.`,
};

export function iacStepsCommand(tool: IacTool): Command {
  const made = addStageOptions(command(tool, SUMMARIES[tool]));
  if (tool !== 'serverless') {
    made
      .option('--name <name>', 'name of the resources in your code (default: made of the API and the stage)')
      .option(
        '--parameter <name>',
        'SSM parameter for the id in use (default: /apigw-cert/API/STAGE, with the name of the API)',
      );
  }
  return made
    .addHelpText(
      'after',
      `
${HELP[tool]}
The steps have the real ids of the stage and of the certificate in use. Nothing is changed.

Example:
  apigw-cert iac ${tool} --stage orders/prod`,
    )
    .action(
      action<Options>(async ({ options, controlPlane, out }) => {
        const { stepsFor } = await import('./run.js');
        const { api, stage, name, parameter } = options;
        const found = await stepsFor(
          await controlPlane(),
          tool,
          api === undefined ? { stage } : { api, stage },
          {
            ...(name === undefined ? {} : { name }),
            ...(parameter === undefined ? {} : { parameter }),
          },
        );
        out.result(found, () => found.items.map(stepText).join('\n\n'));
      }),
    );
}

/** The title as a comment of its language, so that a step can be pasted with it. */
const stepText = ({ title, language, text }: IacStep, index: number): string =>
  `${language === 'typescript' ? '//' : '#'} ${index + 1}. ${title}\n${text}`;
