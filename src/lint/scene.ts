import type { Caller } from './identity.js';
import type { VerifyError } from './openssl.js';

/** What the rules of any server can look at. */
export interface Scene {
  isTls: boolean;
  caller: Caller;
  /** Whether the caller was asked for a certificate, and has one. */
  presented: boolean;
  /** Those that were put up with; others would have ended the handshake. */
  errors: readonly VerifyError[];
  request: { path?: string; method: string; address?: string };
}
