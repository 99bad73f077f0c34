import * as x509 from './peculiar.js';

/**
 * A distinguished name in DER as text, `C=US, L=Seattle, CN=ApiGateway`; hex where it cannot be read. Loads
 * @peculiar/x509: import it dynamically.
 */
export function nameText(der: Uint8Array): string {
  try {
    return new x509.Name(new Uint8Array(der)).toString();
  } catch {
    return Buffer.from(der).toString('hex');
  }
}
