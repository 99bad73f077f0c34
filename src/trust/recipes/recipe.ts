import { AppError } from '../../core/errors.js';

/** What a server's configuration needs to know. Paths are absolute. */
export interface RecipeOptions {
  /** Where it listens, as `address:port`. */
  listen: string;
  /** The host name that the API's integrations call. */
  serverName: string;
  /** Its own certificate with the chain, PEM. */
  certificateFile: string;
  /** That certificate's key, PEM; HAProxy reads it beside the certificate, as `<certificateFile>.key`. */
  privateKeyFile: string;
  /** The file that the trust store of the same kind keeps. */
  trustFile: string;
  /** The application behind it, as `host:port`, spoken to in plain HTTP. */
  upstream: string;
}

/** What a server does that its user has to know, in sentences. */
export interface RecipeFacts {
  /** How a change is taken over. */
  reload: string;
  /** What happens to a certificate that is in the list and has expired. */
  expired: string;
  /** The versions and TLS libraries that handshakes were made with; `unproven` where there were none. */
  proved: string;
}

/**
 * Refuses what could end a string or a line in some configuration language. Nothing here needs such characters.
 * @throws AppError `Usage`
 */
export function checked(options: RecipeOptions): RecipeOptions {
  for (const [name, value] of Object.entries(options) as [string, string][]) {
    if (!/^[\w./:@*[\]+-]+$/.test(value)) {
      throw new AppError('Usage', `${name} holds characters that a server’s configuration cannot hold`, {
        hint: 'use letters, digits and . / : @ * [ ] + - _',
      });
    }
  }
  return options;
}
