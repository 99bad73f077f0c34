import { AppError } from '../platform/errors.js';

/** What a publication was seen to hold. */
export type Published =
  | { state: 'holds'; clientCertificateId: string }
  /** There is nothing yet, or nothing in it. */
  | { state: 'empty' }
  /** It cannot be looked into. */
  | { state: 'unobservable' };

/** A place that the id of the certificate in use is written to, for infrastructure as code to read. */
export interface Publication {
  /** Such as `ssm:/orders/prod/client-certificate-id`. */
  readonly name: string;

  /**
   * What it holds now.
   * @throws AppError `PublicationUnreadable` also for what is no id of a certificate: it is somebody else's
   */
  observe(): Promise<Published>;

  /**
   * Writes the id; changes nothing where it is there already.
   * @param beforeEffect called right before the effect; when it throws, nothing was changed
   * @throws AppError `PublicationFailed`, `PublicationUnreadable`; `ServiceUnreachable` when it is not known whether it
   * was written
   */
  publish(clientCertificateId: string, beforeEffect: () => Promise<void>): Promise<void>;
}

/** Where the stages are whose certificate is published: what an entry does not say itself. */
export interface PublicationPlace {
  region: string;
  profile?: string;
  roleArn?: string;
  externalId?: string;
}

/** An id of API Gateway, or the ARN of an ACM certificate; a placeholder such as `none` is like one. */
const ID = /^(?:[a-z0-9]{1,32}|arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]{1,64})$/;

/** Longer than anything that is an id; more of it is not looked at. */
export const LONGEST_VALUE = 1_024;

/**
 * Reads what a publication holds. Anything but the id of a certificate was not written by us: it may be what somebody
 * else needs, as where the wrong parameter is named, and is never overwritten.
 * @throws AppError `PublicationUnreadable`
 */
export function readPublished(text: string): Published {
  const value = text.replace(/\r?\n$/, '');
  if (value === '') return { state: 'empty' };
  if (ID.test(value)) return { state: 'holds', clientCertificateId: value };
  throw new AppError(
    'PublicationUnreadable',
    `it holds something other than the ID of a certificate (${value.length} characters), which is not overwritten`,
    { hint: 'specify another place for the ID; or if its content is not needed any more, delete it' },
  );
}
