import { finding, type Finding } from '../findings/finding.js';
import type { BundleFinding } from '../certificates/bundle.js';

/**
 * What is odd about a file of certificates, as a finding.
 * @param file absent for content that is in no file
 */
export function bundleFinding(found: BundleFinding, file?: string): Finding<BundleFinding['code']> {
  const where = { ...(file === undefined ? {} : { file }), line: found.line };
  switch (found.code) {
    case 'SharedSubject': {
      const subject = `${found.fingerprintsSha256.length} × ${found.subject}`;
      return finding(found.code, where, { subject });
    }
    case 'DuplicateCertificate':
      return finding(found.code, where, { firstLine: found.firstLine });
    case 'NotACertificate':
      return finding(found.code, where, { subject: found.label });
    case 'BrokenPem':
      return finding(found.code, where, { problem: found.problem });
    case 'GluedPem':
    case 'JsonText':
    case 'LineBreaksLost':
    case 'PrivateKey':
    case 'Utf16Text':
      return finding(found.code, where, {});
  }
}
