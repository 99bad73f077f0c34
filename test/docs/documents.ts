/** The YAML documents that hold commands: workflows of GitHub Actions, and CronJobs of Kubernetes. */
import { parseAllDocuments } from 'yaml';

/** One thing that a YAML document has run: a script for the shell, or a program with its words. */
export interface Step {
  script?: string;
  words?: string[];
  env: Record<string, string>;
  /** Files that it finds, by their path. */
  files: Record<string, string>;
}

type Scalar = null | boolean | number | string;
type Json = Scalar | Json[] | JsonMap;
interface JsonMap {
  [key: string]: Json;
}

const textOf = (value: Json | undefined): string => (typeof value === 'object' ? '' : String(value));

const isMap = (value: Json | undefined): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const mapOf = (value: Json | undefined): JsonMap => (isMap(value) ? value : {});
const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const textsOf = (value: Json | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(mapOf(value)).map(([key, text]) => [key, textOf(text)]));

/** The documents of a stream, as plain values. @throws Error when it is not YAML */
export function yamlDocuments(text: string): Json[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = 'errors' in document ? document.errors : [];
    if (error) throw error;
    return document.toJS() as Json;
  });
}

function workflowSteps(workflow: JsonMap): Step[] {
  return Object.values(mapOf(workflow['jobs'])).flatMap((job) => {
    const env = { ...textsOf(workflow['env']), ...textsOf(mapOf(job)['env']) };
    return stepsOf(listOf(mapOf(job)['steps']), env);
  });
}

function stepsOf(steps: Json[], env: Record<string, string>): Step[] {
  return steps.flatMap((step): Step[] => {
    const { run, ...rest } = mapOf(step);
    return typeof run === 'string'
      ? [{ script: run, env: { ...env, ...textsOf(rest['env']) }, files: {} }]
      : [];
  });
}

function cronJobSteps(cronJob: JsonMap, all: readonly Json[]): Step[] {
  const pod = mapOf(mapOf(mapOf(mapOf(cronJob['spec'])['jobTemplate'])['spec'])['template'])['spec'];
  const configMaps = all.filter(isMap).filter(({ kind }) => kind === 'ConfigMap');
  const contentOf = (name: Json | undefined): Record<string, string> =>
    textsOf(configMaps.find((map) => mapOf(map['metadata'])['name'] === name)?.['data']);
  const volumes = listOf(mapOf(pod)['volumes']).map(mapOf);
  return listOf(mapOf(pod)['containers']).map((container): Step => {
    const { command, args, env, volumeMounts } = mapOf(container);
    const files = listOf(volumeMounts).flatMap((mount) => {
      const { name, mountPath } = mapOf(mount);
      const volume = volumes.find((one) => one['name'] === name);
      return Object.entries(contentOf(mapOf(volume?.['configMap'])['name'])).map(([file, text]) => [
        `${textOf(mountPath)}/${file}`,
        text,
      ]);
    });
    return {
      words: [...listOf(command), ...listOf(args)].map(String),
      env: Object.fromEntries(
        listOf(env).map((variable) => [textOf(mapOf(variable)['name']), textOf(mapOf(variable)['value'])]),
      ),
      files: Object.fromEntries(files) as Record<string, string>,
    };
  });
}

/** What a block of YAML has run; nothing for one that only configures. */
export function stepsIn(text: string): Step[] {
  const all = yamlDocuments(text);
  return all.flatMap((document) => {
    if (Array.isArray(document)) return stepsOf(document, {});
    if (!isMap(document)) return [];
    if (document['jobs'] !== undefined) return workflowSteps(document);
    return document['kind'] === 'CronJob' ? cronJobSteps(document, all) : [];
  });
}

/** Whether a block of YAML is an `apigw-cert.yaml`, or a part of one. */
export function isConfiguration(text: string): boolean {
  const keys = ['targets', 'accounts', 'regions', 'thresholds', 'notify', 'hooks'];
  return yamlDocuments(text).some((document) => isMap(document) && keys.some((key) => key in document));
}
