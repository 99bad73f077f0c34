import type * as texts from './template-texts.js';
import { AppError } from '../platform/errors.js';
import { writeBundle } from '../certificates/bundle.js';
import type { TrustedCertificate } from '../certificates/certificate.js';
import type { TrustedAuthority, TrustEntry } from '../certificates/trust-entry.js';
import { insertEntry, type TrustFormat } from './format.js';

/** The name of a text of `templates/`, which has `{{placeholders}}`. */
type Template = keyof typeof texts;

/** A server that accepts the old and the new certificate and nobody else, when it is configured as its template says. */
export interface BackendServer {
  /** As it is written after `backend config`. */
  name: string;
  /** Its configuration or source; see {@link serverConfiguration}. */
  template: Template;
  /**
   * How it accepts certificates of a CA by their name, beside those of its list. `trustFile`: by the same configuration, since
   * its list holds the root and the name. Absent where there is no configuration for that.
   */
  authority?: 'trustFile' | AuthorityTemplate;
  /** How a change is applied. */
  reload: string;
  /** What happens to a certificate that is in the list and has expired. */
  expired: string;
  /** The versions and TLS libraries that handshakes were made with; `unproven` where there were none. */
  proved: string;
}

/** Another configuration, which compares a name that is written into it. */
export interface AuthorityTemplate {
  template: Template;
  /** What the server can compare exactly. */
  compares: 'subject' | 'dnsName';
  /** What the CA file holds. A server that trusts whatever is in it must not find certificates whose trust may end. */
  caFile: 'root' | 'rootAndList';
}

/** What a server's configuration needs to know. Paths are absolute. */
export interface ServerOptions {
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

/** Only what prints one loads them. */
const textOf = async (template: Template): Promise<string> => (await import('./template-texts.js'))[template];

function split(text: string): [host: string, port: string] {
  const colon = text.lastIndexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/**
 * Fills a template in.
 * @throws AppError `Usage` for what could end a string or a line in some configuration language; nothing here needs it
 */
export async function serverConfiguration(
  { template }: Pick<BackendServer, 'template'>,
  options: ServerOptions,
): Promise<string> {
  return filled(await textOf(template), options, {});
}

/**
 * Fills in the configuration that also accepts certificates of a CA by their name.
 * @param caFile a PEM file with the root, as {@link caFileOf} makes it
 * @throws AppError `Usage` as {@link serverConfiguration}, and for a name that the server cannot compare exactly
 */
export async function authorityConfiguration(
  { name, authority }: Pick<BackendServer, 'name' | 'authority'>,
  options: ServerOptions,
  { caFile, entry }: { caFile: string; entry: TrustedAuthority },
): Promise<string> {
  if (authority === undefined || authority === 'trustFile') {
    throw new Error(`${name} has no other configuration for a CA`);
  }
  const { subject = '', san = '' } = entry;
  const dnsName = /^DNS:([\w.-]+)$/.exec(san)?.[1] ?? '';
  const isSubject = authority.compares === 'subject';
  if (isSubject ? subject === '' || san !== '' : dnsName === '' || subject !== '') {
    throw new AppError(
      'Usage',
      isSubject
        ? `${name} compares subjects only, and no subject alternative names`
        : `${name} compares a DNS name among the subject alternative names only: of several common names in a subject it shows one`,
      { hint: isSubject ? 'specify --subject, without --san' : 'specify --san DNS:NAME, without --subject' },
    );
  }
  const octets = Buffer.from(subject, 'latin1');
  const hex = octets.toString('hex').toUpperCase();
  return filled(
    await textOf(authority.template),
    { ...options, caFile },
    {
      // In notations in which nothing in a name can end a string.
      subjectRegex: hex.replaceAll(/../g, (octet) => `\\x${octet}`),
      subjectHex: hex,
      subjectBase64: octets.toString('base64'),
      dnsName,
    },
  );
}

/**
 * The PEM file of a CA that {@link authorityConfiguration} names: the root, and where the file decides about nothing but what
 * the server announces, the certificates of the list, so that their subject is announced too and no client withholds one.
 */
export function caFileOf(
  { caFile }: Pick<AuthorityTemplate, 'caFile'>,
  { ca }: TrustedAuthority,
  certificates: readonly TrustedCertificate[],
): string {
  return writeBundle(caFile === 'root' ? [ca] : [ca, ...certificates]);
}

function filled(
  template: string,
  options: ServerOptions & { caFile?: string },
  names: Readonly<Record<string, string>>,
): string {
  for (const [name, value] of Object.entries(options) as [string, string][]) {
    if (!/^[\w./:@*[\]+-]+$/.test(value)) {
      throw new AppError('Usage', `${name} holds characters that a server’s configuration cannot hold`, {
        hint: 'use letters, digits and . / : @ * [ ] + - _',
      });
    }
  }
  const [address, port] = split(options.listen);
  const [upstreamAddress, upstreamPort] = split(options.upstream);
  const values: Readonly<Record<string, string>> = {
    ...options,
    ...names,
    address,
    port,
    upstreamAddress,
    upstreamPort,
    // An IPv6 address as programs take it, without the brackets that URLs need.
    host: address.replace(/^\[|\]$/g, ''),
  };
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`a template has the unknown placeholder ${name}`);
    return value;
  });
}

/** The content of a trust file that makes these entries trusted. */
export function trustFileOf(format: TrustFormat, entries: readonly TrustEntry[]): string {
  return entries.reduce((text, entry) => insertEntry(format, text, entry), '');
}
