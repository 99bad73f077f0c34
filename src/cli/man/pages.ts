import { allNodes, commandNode, type CommandNode } from '../../commands/completion/tree.js';
import { createProgram } from '../program.js';
import { manPage, pageName, type Edition } from './page.js';

export interface ManPage {
  /** `apigw-cert-rotate.1` */
  file: string;
  text: string;
}

/** The page that leads to a command, and those below it. */
function relatedTo({ path, commands }: CommandNode): Pick<CommandNode, 'path'>[] {
  return [...(path.length === 0 ? [] : [{ path: path.slice(0, -1) }]), ...commands];
}

/** A manual page for the program and one for each command, made from what `--help` is made from. */
export async function manPages(edition: Edition): Promise<ManPage[]> {
  const nodes = allNodes(commandNode(await createProgram([])));
  return nodes.map((node) => ({
    file: `${pageName(node)}.1`,
    text: manPage(node, relatedTo(node), edition),
  }));
}
