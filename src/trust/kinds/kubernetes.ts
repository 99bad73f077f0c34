import * as z from 'zod/mini';
import { AppError } from '../../platform/errors.js';
import { changedMeanwhile } from '../bundle-view.js';
import type { TextDocument } from '../document.js';
import { documentTrustStore } from '../document-store.js';
import { pemFormat } from '../pem-format.js';
import { commandSchema, reloadCommand, runCommand, timeoutSchema } from '../run-command.js';
import { storeName } from '../store-name.js';
import { defineKind } from './kind.js';

const NAME = z.string().check(z.regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a Kubernetes name'));

const schema = z
  .strictObject({
    kind: z.literal('kubernetes'),
    resource: z.enum(['secret', 'configmap']),
    name: NAME,
    namespace: z.optional(NAME),
    key: z.string().check(z.regex(/^[-._a-zA-Z0-9]+$/), z.describe('the key whose value is a PEM bundle')),
    context: z.optional(z.string().check(z.minLength(1))).check(z.describe('a context of the kubeconfig')),
    kubectl: z
      .optional(z.array(z.string()).check(z.minLength(1)))
      .check(z.describe('how kubectl is called, where not by its name alone')),
    reload: z
      .optional(commandSchema)
      .check(z.describe('makes the pods read it again, for example a rollout restart')),
    timeout: z.optional(timeoutSchema),
  })
  .check(z.describe('a PEM bundle in a Secret or a ConfigMap, changed by kubectl'));

type KubernetesConfig = z.infer<typeof schema>;

const objectSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  data: z.optional(z.record(z.string(), z.string())),
});

/**
 * The object that kubectl printed. A wrapper or a plugin may print lines of its own before it, such as a warning. Nothing of
 * the output goes into an error: the other keys of a Secret are not ours to look at.
 * @throws AppError `TrustStoreUnreadable`
 */
function printedObject(output: string): z.output<typeof objectSchema> {
  const begin = /^\s*\{/m.exec(output);
  try {
    return objectSchema.parse(JSON.parse(output.slice(begin?.index ?? 0)));
  } catch {
    throw new AppError('TrustStoreUnreadable', 'kubectl did not print the object as JSON', {
      hint: 'run the same kubectl command with --output=json and look at what it prints',
    });
  }
}

function document(config: KubernetesConfig): TextDocument {
  const { resource, name, namespace, key, context, timeout } = config;
  const isSecret = resource === 'secret';
  const kubectl = (args: readonly string[]): Promise<string> =>
    runCommand(
      [
        ...(config.kubectl ?? ['kubectl']),
        ...(context === undefined ? [] : [`--context=${context}`]),
        ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
        ...args,
      ],
      { timeout },
    );
  const read = async () => {
    const output = await kubectl(['get', resource, name, '--output=json']).catch((cause: unknown) => {
      throw new AppError('TrustStoreUnreadable', cause instanceof Error ? cause.message : String(cause), {
        cause,
        hint: 'check its name, the namespace and the context',
      });
    });
    const { metadata, data } = printedObject(output);
    const value = data?.[key];
    if (value === undefined) {
      throw new AppError('TrustStoreUnreadable', `it has no key ${key}`, {
        hint: 'check the key; if it is to be new, make it with an empty value first',
      });
    }
    return {
      text: isSecret ? Buffer.from(value, 'base64').toString('latin1') : value,
      version: metadata.resourceVersion,
    };
  };
  return {
    read,
    /** The patch touches our key alone, and the API server refuses it when the resourceVersion is another. */
    async write(text, { version }, beforeEffect) {
      const patch = [
        { op: 'test', path: '/metadata/resourceVersion', value: version },
        {
          op: 'replace',
          path: `/data/${key}`,
          value: isSecret ? Buffer.from(text, 'latin1').toString('base64') : text,
        },
      ];
      await beforeEffect();
      try {
        const output = await kubectl([
          'patch',
          resource,
          name,
          '--type=json',
          `--patch=${JSON.stringify(patch)}`,
          '--output=json',
        ]);
        return { text, version: printedObject(output).metadata.resourceVersion };
      } catch (error) {
        const now = await read().catch(() => undefined);
        if (now?.text === text) return now;
        if (now && now.version !== version) throw changedMeanwhile({ resource, name });
        if (now) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw new AppError('TrustStoreUnreadable', `whether it was written is not known: ${why}`, {
          cause: error,
          hint: 'check that the cluster answers, then run the same command again: it looks at what is there first',
        });
      }
    },
    exclusively: (work) => work(),
  };
}

/** A key of a Secret or a ConfigMap. */
export const kubernetes = defineKind({
  name: 'kubernetes',
  schema,
  options: {
    resource: 'name',
    name: 'name',
    namespace: 'name',
    key: 'name',
    context: 'name',
    kubectl: 'command',
    reload: 'command',
    timeout: 'name',
  },
  document: {
    written: 'one key of a Secret or ConfigMap, JSON patch with a test of `resourceVersion`',
    applied: 'none',
    proved: '**untested** on a cluster: kubectl 1.32 against an HTTP double',
  },
  open(config) {
    const { resource, namespace, name, key, context, kubectl } = config;
    const formerName = `kubernetes:${namespace === undefined ? '' : `${namespace}/`}${resource}/${name}`;
    return documentTrustStore({
      // Another kubectl may speak to another cluster.
      name: storeName(formerName, { key, context, kubectl: kubectl?.join(' ') }),
      formerName,
      document: document(config),
      format: pemFormat,
      makeLive: reloadCommand(config.reload, config.timeout),
    });
  },
});
