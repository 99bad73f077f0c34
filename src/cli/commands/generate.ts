import type { Command } from 'commander';
import { parseTags } from '../../core/tags.js';
import { action, collect, command } from '../command.js';
import { certificateFactsText } from '../certificate-text.js';

interface Options {
  description?: string;
  tag?: string[];
}

export function generateCommand(): Command {
  return command('generate', 'Make a new client certificate')
    .option('--description <text>', 'what it is for')
    .option('--tag <key=value>', 'a tag; may be repeated', collect)
    .action(
      action<Options>(async ({ options: { description, tag = [] }, gateway, out, now }) => {
        const tags = parseTags(tag);
        const { generate } = await import('../../app/generate.js');
        const input = { ...(description === undefined ? {} : { description }), tags };
        const { certificate } = await generate(await gateway(), input, now);
        out.result(certificate, () => certificateFactsText(certificate, out.style));
      }),
    );
}
