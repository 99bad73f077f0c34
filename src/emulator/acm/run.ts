import { ServiceError } from '../errors.js';
import { parseJson } from '../http.js';
import type { Surroundings } from '../operation.js';
import type { World } from '../model.js';
import { acmOperations } from './certificates.js';
import { stagesWith, type AcmOperation } from './operation.js';

const PREFIX = 'CertificateManager.';

/** Whether a request is for ACM: it names its operation in this header. */
export const isAcmTarget = (target: unknown): target is string =>
  typeof target === 'string' && target.startsWith(PREFIX);

/** @throws ServiceError 400 for an operation that the emulator does not have */
export function acmOperationOf(target: string): AcmOperation {
  const operation = acmOperations.find(({ name }) => name === target.slice(PREFIX.length));
  if (operation !== undefined) return operation;
  throw new ServiceError(400, 'UnknownOperationException', `The emulator does not support ${target}`);
}

/**
 * Carries one operation out.
 * @returns its answer's body, and the ids of what it may have changed beside what it made and deleted: an imported
 * certificate is presented by stages
 */
export async function runAcmOperation(
  operation: AcmOperation,
  world: World,
  bytes: Buffer,
  { clock, settings }: Surroundings,
): Promise<{ body: unknown; changed: string[] }> {
  const body = parseJson(bytes);
  const result = await operation.handle({ world, body, clock, settings });
  const { CertificateArn: arn } = (body ?? {}) as { CertificateArn?: unknown };
  return { body: result ?? {}, changed: typeof arn === 'string' ? changedWith(world, arn) : [] };
}

/** What changes with a certificate of ACM: itself, and the APIs whose stages present it. */
export const changedWith = (world: World, arn: string): string[] => [
  arn,
  ...stagesWith(world, arn).map(({ apiId }) => apiId),
];
