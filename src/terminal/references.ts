import type { Command } from 'commander';
import { AppError } from '../platform/errors.js';
import { certificateReference, stageReference } from '../control-plane/reference.js';

/** Arguments that are certificates, by their names in the usage. */
const CERTIFICATE_ARGUMENTS = new Set(['id', 'ids']);
/** Options whose values are certificates. */
const CERTIFICATE_OPTIONS = ['to', 'certificate'] as const;

interface Named {
  stage?: unknown;
  to?: unknown;
  certificate?: unknown;
  region?: string | undefined;
}

/**
 * Replaces the ARNs and addresses of certificates and stages that a command was given by ids and `api/stage`, and sets the
 * Region that they name.
 * @throws AppError `Usage` where they name another Region than `--region`, or two
 */
export function withReferences<Options extends object>(
  command: Command,
  given: Options,
): { options: Options; args: unknown[] } {
  const named: Named = given;
  const regions = new Map<string, string>();
  const certificate = (text: unknown): unknown => {
    if (typeof text !== 'string' || text === 'none') return text;
    const { id, region } = certificateReference(text);
    if (region !== undefined) regions.set(region, text);
    return id;
  };
  const each = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(certificate) : certificate(value);

  const args = command.processedArgs.map((value: unknown, index) => {
    const name = command.registeredArguments[index]?.name() ?? '';
    if (CERTIFICATE_ARGUMENTS.has(name)) return each(value);
    const isReference = typeof value === 'string' && /^(arn:|https?:\/\/)/i.test(value);
    return name === 'target' && isReference ? certificate(value) : value;
  });
  const changes: Record<string, unknown> = {};
  for (const name of CERTIFICATE_OPTIONS) {
    if (named[name] !== undefined) changes[name] = each(named[name]);
  }
  if (typeof named.stage === 'string') {
    const stage = stageReference(named.stage);
    if (stage) changes['stage'] = `${stage.api}/${stage.stage}`;
    if (stage?.region !== undefined) regions.set(stage.region, named.stage);
  }
  return { options: { ...given, ...changes, ...regionOf(named.region, regions) }, args };
}

function regionOf(flag: string | undefined, regions: ReadonlyMap<string, string>): { region?: string } {
  const [first, second] = [...regions];
  if (first === undefined) return {};
  const [region, text] = first;
  if (second !== undefined) {
    throw new AppError('Usage', `"${text}" is in ${region}, but "${second[1]}" is in ${second[0]}`, {
      hint: 'a command works in one Region: run it once per Region',
    });
  }
  if (flag !== undefined && flag !== '' && flag !== region) {
    throw new AppError('Usage', `"${text}" is in ${region}, but --region says ${flag}`, {
      hint: `omit --region, or specify --region ${region}`,
    });
  }
  return { region };
}
