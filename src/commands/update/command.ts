import type { Command } from 'commander';
import { parseTags } from '../../certificates/tags.js';
import { certificateFactsText } from '../../terminal/certificate-text.js';
import { action, collect, command } from '../../terminal/command.js';

interface Options {
  description?: string;
  tag?: string[];
  untag?: string[];
}

export function updateCommand(): Command {
  return command('update <id>', 'Change the description and tags of a certificate')
    .option('--description <text>', 'new description')
    .option('--tag <key=value>', 'tag to set; may be repeated', collect)
    .option('--untag <key>', 'tag to remove; may be repeated', collect)
    .action(
      action<Options, [string]>(async ({ args: [id], options, controlPlane, out, now }) => {
        const { description, tag = [], untag = [] } = options;
        const { update } = await import('./run.js');
        const change = { ...(description === undefined ? {} : { description }), tags: parseTags(tag), untag };
        const certificate = await update(await controlPlane(), id, change, now);
        out.result(certificate, () => certificateFactsText(certificate, out.style));
      }),
    );
}
