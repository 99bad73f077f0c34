import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { StageChange } from './run.js';
import type { StageAddress } from '../../control-plane/resolve-stage.js';
import { printable } from '../../platform/printable.js';
import { confirmed } from '../../terminal/ask.js';
import { action, command } from '../../terminal/command.js';
import { addManagerOptions, type ManagerOptions } from '../../terminal/manager-options.js';
import { addStageOptions, stageText } from '../../terminal/stage-options.js';
import { facts } from '../../terminal/facts.js';

interface Options extends StageAddress, ManagerOptions {
  yes?: boolean;
}

export function attachCommand(): Command {
  return addManagerOptions(
    addStageOptions(
      command('attach <id>', 'Attach a certificate to a stage (to replace one in use, see rotate)'),
    ),
  )
    .option('--yes', "replace the stage's current certificate without a prompt; required without a terminal")
    .action(
      action<Options, [string]>(async ({ args: [id], options, out, now }) => {
        const [{ attach }, { openPlace }] = await Promise.all([
          import('./run.js'),
          import('../../terminal/account.js'),
        ]);
        const { controlPlane, managerOf } = await openPlace(options, out);
        const change = await attach(controlPlane, options, id, now, {
          managerOf,
          confirm: (question) => confirmed(question, options.yes === true),
        });
        if (change.certificate?.status === 'expired') {
          out.warn(
            `the certificate ${id} has expired: backends that check it will refuse the stage's requests`,
          );
        }
        out.result(change, () => changeText(change, out.style));
        if (change.changed) out.note('The change takes effect within seconds to minutes.');
      }),
    );
}

export function detachCommand(): Command {
  return addManagerOptions(addStageOptions(command('detach', 'Remove the certificate from a stage')))
    .option('--yes', 'remove it without a prompt; required without a terminal')
    .action(
      action<Options>(async ({ options, out }) => {
        const [{ detach }, { openPlace }] = await Promise.all([
          import('./run.js'),
          import('../../terminal/account.js'),
        ]);
        const { controlPlane, managerOf } = await openPlace(options, out);
        const change = await detach(controlPlane, options, {
          managerOf,
          confirm: (question) => confirmed(question, options.yes === true),
        });
        out.result(change, () => changeText(change, out.style));
        if (change.changed) {
          out.note(
            'Backends that require a certificate will refuse requests from this stage within minutes.',
          );
        }
      }),
    );
}

function changeText(change: StageChange, style: ChalkInstance): string {
  const text = (id: string | undefined): string => (id === undefined ? 'no certificate' : printable(id));
  return facts([
    ['stage', style.bold(stageText(change))],
    ['before', text(change.before)],
    ['after', change.changed ? text(change.after) : `${text(change.after)} (nothing to do)`],
  ]);
}
