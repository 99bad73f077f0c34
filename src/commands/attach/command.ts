import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { StageChange } from './run.js';
import type { StageAddress } from '../../control-plane/resolve-stage.js';
import { printable } from '../../platform/printable.js';
import { confirmed } from '../../terminal/ask.js';
import { action, command } from '../../terminal/command.js';
import { addStageOptions, stageText } from '../../terminal/stage-options.js';
import { facts } from '../../terminal/facts.js';

interface Options extends StageAddress {
  yes?: boolean;
}

export function attachCommand(): Command {
  return addStageOptions(
    command('attach <id>', 'Attach a certificate to a stage (to replace one in use, see rotate)'),
  )
    .option('--yes', "replace the stage's current certificate without a prompt; required without a terminal")
    .action(
      action<Options, [string]>(async ({ args: [id], options, controlPlane, out, now }) => {
        const { attach } = await import('./run.js');
        const change = await attach(await controlPlane(), options, id, now, (question) =>
          confirmed(question, options.yes === true),
        );
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
  return addStageOptions(command('detach', 'Remove the certificate from a stage'))
    .option('--yes', 'remove it without a prompt; required without a terminal')
    .action(
      action<Options>(async ({ options, controlPlane, out }) => {
        const { detach } = await import('./run.js');
        const change = await detach(await controlPlane(), options, (question) =>
          confirmed(question, options.yes === true),
        );
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
