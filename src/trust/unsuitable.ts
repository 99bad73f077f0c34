import * as z from 'zod';
import { AppError } from '../core/errors.js';

/** Servers that were measured to accept only the first of two such certificates on one host name, in every form. */
export const unsuitableSchemas = [
  z.looseObject({ kind: z.literal('stunnel') }),
  z.looseObject({ kind: z.literal('hitch') }),
  z.looseObject({ kind: z.literal('lighttpd') }),
] as const;

const WAY_ROUND = {
  stunnel:
    'give each certificate a service section of its own with "sni = outer:name", and let the API call the new name',
  hitch: 'give each certificate a frontend of its own on another port, and let the API call the new port',
  lighttpd:
    'give each certificate a host name of its own with its own ssl.verifyclient.ca-file, and let the API call the new name',
} as const;

/** Refuses such a server before anything is touched. */
export function unsuitable(kind: keyof typeof WAY_ROUND): never {
  throw new AppError(
    'TrustStoreUnsuitable',
    `${kind} cannot hold the old and the new certificate on one host name: it accepts only the first of two with one subject, so that the rotation would be an outage`,
    { hint: `${WAY_ROUND[kind]}; or put nginx, HAProxy, Apache or Caddy in front` },
  );
}
