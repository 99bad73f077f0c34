import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { StageChange } from '../../app/change-stage.js';
import type { StageAddress } from '../../app/resolve-stage.js';
import { printable } from '../../core/printable.js';
import { confirmed } from '../ask.js';
import { action, command } from '../command.js';
import { addStageOptions, stageText } from '../stage-options.js';
import { facts } from '../facts.js';

interface Options extends StageAddress {
  yes?: boolean;
}

export function attachCommand(): Command {
  return addStageOptions(
    command('attach <id>', 'Make a stage present a certificate (to replace one in use, see rotate)'),
  )
    .option(
      '--yes',
      "replace the stage's present certificate without asking; needed where there is no terminal",
    )
    .action(
      action<Options, [string]>(async ({ args: [id], options, gateway, out, now }) => {
        const { attach } = await import('../../app/change-stage.js');
        const change = await attach(await gateway(), options, id, now, (question) =>
          confirmed(question, options.yes === true),
        );
        if (change.certificate?.status === 'expired') {
          out.warn(
            `the certificate ${id} has expired: backends that check it will refuse the stage's requests`,
          );
        }
        out.result(change, () => changeText(change, out.style));
        if (change.changed) out.note('The change spreads through API Gateway within seconds to minutes.');
      }),
    );
}

export function detachCommand(): Command {
  return addStageOptions(command('detach', 'Make a stage present no certificate'))
    .option('--yes', 'remove it without asking; needed where there is no terminal')
    .action(
      action<Options>(async ({ options, gateway, out }) => {
        const { detach } = await import('../../app/change-stage.js');
        const change = await detach(await gateway(), options, (question) =>
          confirmed(question, options.yes === true),
        );
        out.result(change, () => changeText(change, out.style));
        if (change.changed) {
          out.note(
            'Backends that demand a certificate will refuse the requests of this stage within minutes.',
          );
        }
      }),
    );
}

function changeText(change: StageChange, style: ChalkInstance): string {
  const text = (id: string | null): string => (id === null ? 'no certificate' : printable(id));
  return facts([
    ['stage', style.bold(stageText(change))],
    ['before', text(change.before)],
    ['after', change.changed ? text(change.after) : `${text(change.after)} (nothing to do)`],
  ]);
}
