import type * as z from 'zod/mini';
import { ServiceError } from '../errors.js';
import type { AcmCertificate, World } from '../model.js';
import { parse, type Surroundings } from '../operation.js';

export interface AcmCall<Body> extends Pick<Surroundings, 'clock' | 'settings'> {
  world: World;
  body: Body;
}

/** One operation of ACM (service model `acm` 2015-12-08, JSON 1.1): `X-Amz-Target: CertificateManager.{name}`. */
export interface AcmOperation {
  name: string;
  isRead: boolean;
  /** Validates the body and does the work; the result, if any, is the answer's body. */
  handle: (call: AcmCall<unknown>) => unknown;
}

/** ACM answers all of its errors with 400. */
export const acmError = (type: string, message: string): ServiceError => new ServiceError(400, type, message);

export const invalid = (message: string): ServiceError => acmError('ValidationException', message);

/** Ties an operation's handler to the shape of its body. Members that the emulator does not know are ignored. */
export function acmOperation<Body>({
  body,
  handle,
  ...rest
}: {
  name: string;
  isRead: boolean;
  body: z.ZodMiniType<Body>;
  handle: (call: AcmCall<Body>) => unknown;
}): AcmOperation {
  return { ...rest, handle: (call) => handle({ ...call, body: parse(body, call.body, invalid) }) };
}

/** @throws ServiceError 400 for one that is not of this account and Region, too */
export function findAcmCertificate(world: World, arn: string): AcmCertificate {
  const certificate = world.acmCertificates.get(arn);
  if (certificate !== undefined) return certificate;
  throw acmError(
    'ResourceNotFoundException',
    `Could not find certificate ${arn} for account ${world.account}`,
  );
}

/** The stages that present a certificate, each with its API. Only REST APIs have such stages. */
export const stagesWith = (world: World, arn: string): { apiId: string; stageName: string }[] =>
  [...world.apis.values()].flatMap((api) =>
    [...api.stages.values()]
      .filter((stage) => stage.clientCertificateId === arn)
      .map((stage) => ({ apiId: api.id, stageName: stage.name })),
  );
