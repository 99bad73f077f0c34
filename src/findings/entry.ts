import type { NamedStage } from '../control-plane/named-stage.js';
import type { Severity } from './severity.js';

/** What a finding is about; a part that does not apply is absent. */
export interface Where {
  /** What reports call the account. */
  account?: string;
  region?: string;
  clientCertificateId?: string;
  stage?: NamedStage;
  file?: string;
  /** From 1. */
  line?: number;
}

/**
 * What is said about one kind of finding. Sentences are made of the arguments as they are: whoever reports a finding
 * makes them printable.
 */
export interface CatalogueEntry<Args> {
  /** Unless the rule that found it says otherwise. */
  severity: Severity;
  /** What it means, whatever it is about: for lists of rules, and for documents. */
  meaning: string;
  /** The sentence about one finding. */
  message: (args: Args, where: Where) => string;
  /** What to do about it. */
  remedy?: string | ((args: Args, where: Where) => string | undefined);
}

/** For an entry whose sentences need nothing but the place. */
export type NoArgs = Readonly<Record<string, never>>;

/** An entry, with the type of its arguments. */
export const entry = <Args>(made: CatalogueEntry<Args>): CatalogueEntry<Args> => made;

/** For a finding whose sentence is `subject: meaning`, or the meaning alone. */
export interface Subject {
  /** What it is about: a method, a backend with its answer, a directive, a path. */
  subject?: string;
}

/** An entry whose sentence is `subject: meaning`, or the meaning alone where there is no subject. */
export function about<Args extends Subject = Subject>(
  severity: Severity,
  meaning: string,
  remedy?: NonNullable<CatalogueEntry<Args>['remedy']>,
): CatalogueEntry<Args> {
  return {
    severity,
    meaning,
    message: ({ subject = '' }) => (subject === '' ? meaning : `${subject}: ${meaning}`),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** A time to the second. */
export const timeText = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

/** A stage as commands take it, `apiId/stageName`. */
export const stageOption = ({ stage }: Pick<Where, 'stage'>): string =>
  stage === undefined ? 'API/STAGE' : `${stage.restApiId}/${stage.stageName}`;
