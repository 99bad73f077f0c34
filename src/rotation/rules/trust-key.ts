import { entryKey, type TrustEntry } from '../../certificates/trust-entry.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { EndedCertificate } from './unit.js';

/** What a backend has to trust for a certificate. */
export const trustEntry = ({ authority, trusted }: Certificate): TrustEntry => authority ?? trusted;

/** The name by which trust stores know what they trust for a certificate. */
export const trustKey = ({ authority, trusted }: Pick<EndedCertificate, 'authority' | 'trusted'>): string =>
  entryKey(authority ?? trusted);
