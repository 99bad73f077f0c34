/** An object of a cluster by kubectl, with its configuration and its ways to sign in. */
import { AppError } from '../platform/errors.js';
import type { ObjectKey, ObjectRequests } from './kubernetes-object.js';
import { runCommand } from './run-command.js';

/**
 * The object that kubectl printed. A wrapper or a plugin may print lines of its own before it, such as a warning.
 * @throws AppError `TrustStoreUnreadable`, without a word of the output
 */
function printedObject(output: string): unknown {
  const begin = /^\s*\{/m.exec(output);
  try {
    return JSON.parse(output.slice(begin?.index ?? 0));
  } catch {
    throw new AppError('TrustStoreUnreadable', 'kubectl did not print the object as JSON', {
      hint: 'run the same kubectl command with --output=json and look at what it prints',
    });
  }
}

/** @param how kubectl is called, the context of its configuration, and how long it may take */
export function kubectlRequests(
  { resource, name, namespace }: ObjectKey,
  how: {
    kubectl?: readonly string[] | undefined;
    context?: string | undefined;
    timeout?: string | undefined;
  },
): ObjectRequests {
  const { kubectl = ['kubectl'], context, timeout } = how;
  const run = (verb: string, ...args: readonly string[]): Promise<string> =>
    runCommand(
      [
        ...kubectl,
        ...(context === undefined ? [] : [`--context=${context}`]),
        ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
        ...[verb, resource, name, ...args, '--output=json'],
      ],
      { timeout },
    );
  return {
    async get() {
      const output = await run('get').catch((cause: unknown) => {
        throw new AppError('TrustStoreUnreadable', cause instanceof Error ? cause.message : String(cause), {
          cause,
          hint: 'check its name, the namespace and the context',
        });
      });
      return printedObject(output);
    },
    patch: async (patch) =>
      printedObject(await run('patch', '--type=merge', `--patch=${JSON.stringify(patch)}`)),
  };
}
