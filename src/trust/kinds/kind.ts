/** What one kind of trust store says of itself. Everything else that the program knows of a kind is read from here. */
import type * as z from 'zod/mini';
import type { TrustContext } from '../context.js';
import type { TextDocument } from '../document.js';
import type { TrustFormat } from '../format.js';
import type { BackendServer } from '../server-configuration.js';
import type { DescribedTrustStore } from '../trust-store.js';

/**
 * What the value of an option is, which decides how it is read and how much of it may be shown.
 * - `path`: relative to the configuration that it is written in; shown
 * - `name`: of something that is no secret; shown
 * - `command`: shown by its program alone, since arguments can hold a secret
 * - `url`: shown without its user and its query
 * - `text`: written for a person; not shown
 */
export type OptionRole = 'path' | 'name' | 'command' | 'url' | 'text';

/** How servers that verify callers with OpenSSL are configured to read a file as a CA bundle. */
export interface CaBundleReader {
  /** Where their configuration is kept. */
  folders: readonly string[];
  /** The directive that is followed by the file. */
  directive: RegExp;
}

/** What opening a store may need besides its own entry. */
export interface OpenContext extends TrustContext {
  /** The servers that cannot use a CA bundle, of all kinds. */
  caBundleReaders: readonly (CaBundleReader & { kind: string })[];
}

/** How a published list is named by those who follow it. */
export interface PublishedForm {
  /** In words: `s3://BUCKET/KEY`. */
  form: string;
  /**
   * Opens what is written so; nothing for what is written otherwise. Nothing is read yet.
   * @param access how the account is reached; the environment where it says nothing
   */
  open: (text: string, access: PublishedAccess) => PublishedDocument | undefined;
}

/** How the account of a published list is reached. */
export interface PublishedAccess {
  profile?: string | undefined;
  region?: string | undefined;
}

/** The text of a published list. */
export interface PublishedDocument extends Pick<TextDocument, 'read'> {
  /** How the text becomes octets. */
  encoding: BufferEncoding;
}

type KindSchema = z.ZodMiniType<{ kind: string }> & z.core.$ZodTypeDiscriminable;

interface Definition<Schema extends KindSchema> {
  /** Its value of `kind`. */
  name: z.output<Schema>['kind'];
  /** An entry of `trust:` in apigw-cert.yaml. */
  schema: Schema;
  /** The role of each option. */
  options: Readonly<Record<Exclude<keyof z.output<Schema> & string, 'kind'>, OptionRole>>;
  /**
   * How it is written after `--trust`: `KIND:VALUE` where VALUE is this option, or `KIND` alone. Absent: it has more to
   * say than fits there, and is described in apigw-cert.yaml.
   */
  flag?: { option: Exclude<keyof z.output<Schema> & string, 'kind'> } | 'alone';
  /** How its content is written, for the kinds whose content is one text. */
  format?: TrustFormat;
  /** The servers for which `backend config` prints a configuration that reads what this kind writes. */
  servers?: readonly BackendServer[];
  /** How this server reads a file as a CA bundle, which does not survive a rotation. */
  caBundle?: CaBundleReader;
  /** Whether an entry is held by a service, so that it can be changed from anywhere; without it, no entry is. */
  isService?: (entry: Readonly<Record<string, unknown>>) => boolean;
  /** How such an entry is described, where the name of the kind is not enough. */
  serviceForm?: string;
  /** How hosts read what it holds, where that is a published list. */
  published?: PublishedForm;
  /** It does not survive a rotation, and opening it says so. */
  isUnsuitable?: true;
  /** Its row in docs/trust-stores.md, in Markdown. */
  document: {
    written: string;
    /** The default check and reload, or why there is none. */
    applied: string;
    /** What it was tried with; for a server with handshakes, its own. */
    proved?: string;
  };
  /**
   * Opens what an entry describes. Nothing is read or run until it is used.
   * @throws AppError `TrustStoreUnsuitable` when what is described is known not to survive a rotation
   */
  open: (config: z.output<Schema>, context: OpenContext) => DescribedTrustStore;
}

/** A kind of trust store, as {@link defineKind} makes it. */
export interface TrustKind<Schema extends KindSchema = KindSchema> extends Omit<
  Definition<Schema>,
  'options' | 'flag' | 'open'
> {
  options: Readonly<Record<string, OptionRole>>;
  flag?: { option: string } | 'alone';
  /** @param entry is checked by the schema once more, so that no caller has to know its type */
  open(entry: unknown, context: OpenContext): DescribedTrustStore;
}

/** Makes a kind of its parts. */
export function defineKind<Schema extends KindSchema>({
  open,
  ...rest
}: Definition<Schema>): TrustKind<Schema> {
  return { ...rest, open: (entry, context) => open(rest.schema.parse(entry), context) };
}
