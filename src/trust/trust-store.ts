import type { TrustedCertificate } from '../core/certificate.js';

/**
 * What a backend trusts: the one thing that a rotation changes outside AWS. Adapters are idempotent (adding what is
 * there and removing what is not are successes that touch nothing) and atomic (when a method throws, the former
 * content is back and live).
 */
export interface TrustStore {
  /** What the user wrote to name it, for messages: `pem-bundle:/etc/orders/apigw.pem`. */
  readonly name: string;

  /**
   * The SHA-256 fingerprints that it trusts now, or `undefined` when it cannot tell: a human, a command without an
   * observe step, a change that a killed run left written but not live. Whoever gets `undefined` calls `add` or
   * `remove` again, which finishes it. Throws `TrustStoreUnreadable`.
   */
  observe(): Promise<readonly string[] | undefined>;

  /**
   * Trusts the certificate beside those already there, and makes that live. Throws `TrustStoreFailed`,
   * `FileNotWritable`, or `TrustStoreNotRestored` when even the way back failed.
   */
  add(certificate: TrustedCertificate): Promise<void>;

  /**
   * Stops trusting the certificate and makes that live. Refuses to leave nothing trusted at all, since an empty
   * list means "everybody" to some servers. Throws as `add` does.
   */
  remove(certificate: TrustedCertificate): Promise<void>;
}
