import * as z from 'zod/mini';
import { AppError } from '../../platform/errors.js';
import { type CaBundleReader, defineKind } from './kind.js';

/** A server that was measured to accept only the first of two such certificates on one host name, in every form. */
export interface UnsuitableServer<Name extends string> {
  name: Name;
  /** What to do instead. */
  wayRound: string;
  caBundle: CaBundleReader;
}

/** A kind that is refused before anything is touched, with what to do instead. */
export const unsuitableKind = <const Name extends string>({
  name,
  wayRound,
  caBundle,
}: UnsuitableServer<Name>) =>
  defineKind({
    name,
    schema: z.looseObject({ kind: z.literal(name) }),
    options: {},
    isUnsuitable: true,
    caBundle,
    document: {
      written:
        'refused: on one host name it accepts only the first of two certificates with the same subject',
      applied: '–',
      proved: 'use a host name or a port for each certificate',
    },
    open: () => {
      throw new AppError(
        'TrustStoreUnsuitable',
        `${name} cannot hold the old and the new certificate on one host name: it accepts only the first of two with one subject, so that the rotation would be an outage`,
        { hint: `${wayRound}; or put nginx, HAProxy, Apache or Caddy in front` },
      );
    },
  });
