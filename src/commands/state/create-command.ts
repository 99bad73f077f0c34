import type { Command } from 'commander';
import { AppError } from '../../platform/errors.js';
import type { StatePlace } from '../../settings/state-place.js';
import { STATE_SETTINGS } from '../../settings/table.js';
import { action, command, settingOption } from '../../terminal/command.js';
import type { StateOptions } from '../../terminal/state.js';

interface Options extends StateOptions {
  template?: boolean;
}

type SharedPlace = Exclude<StatePlace, { kind: 'folder' }>;

export function stateCreateCommand(): Command {
  return command(
    'create',
    'Create the DynamoDB table of the state, or print a CloudFormation template for it',
  )
    .addOption(settingOption(STATE_SETTINGS.state))
    .option('--template', 'print a CloudFormation template of the table or bucket, and create nothing')
    .addHelpText(
      'after',
      `
A table that exists is left as it is. A bucket is not created: use the template, or one that you have.

Examples:
  apigw-cert state create --state dynamodb:apigw-cert
  apigw-cert state create --state dynamodb:arn:aws:dynamodb:eu-west-1:123456789012:table/apigw-cert
  apigw-cert state create --state s3://example-state --template > state.json`,
    )
    .action(
      action<Options>(async ({ options, out }) => {
        const [{ loadConfiguration }, { stateAccess, statePlace }, creating] = await Promise.all([
          import('../../configuration/load.js'),
          import('../../terminal/state.js'),
          import('../../state/create.js'),
        ]);
        const loaded = await loadConfiguration({ file: options.config });
        const place = sharedPlace(statePlace(options, loaded)?.place);
        if (options.template === true) {
          const template =
            place.kind === 'dynamodb'
              ? creating.tableTemplate(place.table)
              : creating.bucketTemplate(place.bucket);
          out.result({ template: JSON.parse(template) as Record<string, unknown> }, () => template);
          return;
        }
        if (place.kind === 's3') {
          throw new AppError('Usage', `the bucket ${place.bucket} is not created by this command`, {
            hint: `create it with the template that --template prints, or: aws s3api create-bucket --bucket ${place.bucket}`,
          });
        }
        const result = await creating.createTable(place.table, stateAccess(options, loaded));
        out.result({ table: place.table, created: result === 'created' }, () =>
          result === 'created'
            ? `created the table ${place.table}; use it on every machine: --state dynamodb:${place.table}`
            : `the table ${place.table} exists`,
        );
      }),
    );
}

/** @throws AppError `Usage` for a folder, which needs nothing made */
function sharedPlace(place: StatePlace | undefined): SharedPlace {
  if (place !== undefined && place.kind !== 'folder') return place;
  throw new AppError('Usage', 'no table or bucket is specified', {
    hint: 'add --state dynamodb:TABLE, or `state:` in apigw-cert.yaml; a folder is created when it is first used',
  });
}
