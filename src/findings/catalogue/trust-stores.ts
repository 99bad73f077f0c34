import { shellWord } from '../../platform/shell-word.js';
import { entry, timeText, type Where } from '../entry.js';

/** A trust store of the stage. */
export interface StoreName {
  /** What messages call it. */
  trustStore: string;
  /** How `backend add` takes it: `--target orders`, `--trust pem-bundle:/etc/orders/apigw.pem`. */
  option: string;
}

/** What a trust store needs for an ACM certificate that is trusted by its root. */
export interface AcmNeed {
  /** The subject of the certificate, in the form that backends compare; absent for one that cannot be compared. */
  subject: string | undefined;
  /** Whether the store can hold a root with a name. For some servers that is in their configuration. */
  canHoldRoot: boolean;
}

/** What a store holds beside what the finding is about. */
export interface Covered {
  /** The root with the name of the certificate. */
  isCovered: boolean;
}

const presented = ({ clientCertificateId = 'the certificate' }: Where): string => clientCertificateId;

/** How the root gets into the store, with the name that its certificates must have. */
const addRoot = ({ option, subject = 'NAME', canHoldRoot }: StoreName & AcmNeed): string =>
  canHoldRoot
    ? `apigw-cert backend add --ca ROOT --subject ${shellWord(subject)} ${option}`
    : 'have the configuration of the server accept the root with the name: this trust store cannot hold it (docs/acm.md)';

const removeFile = ({ option }: StoreName, what: string): string =>
  `apigw-cert backend remove FILE ${option}, with ${what} in FILE`;

const unlessConfigured = ({ canHoldRoot }: Pick<AcmNeed, 'canHoldRoot'>): string =>
  canHoldRoot ? '' : ', unless its configuration accepts the root with the name';

/** About what the trust stores of a stage hold. */
export const TRUST_STORE_FINDINGS = {
  AcmCertificatePinned: entry<StoreName & AcmNeed & Covered & { renewal?: Date }>({
    severity: 'warning',
    meaning:
      'A trust store holds an ACM certificate itself, so the next one is refused, unless it holds the root with the name.',
    message: (args, where) => {
      const { trustStore, isCovered, canHoldRoot, renewal } = args;
      const next =
        renewal === undefined ? 'someone has to import' : `ACM issues from ${timeText(renewal)} on`;
      const consequence = isCovered
        ? 'beside the root of its CA with its name: it is not needed'
        : `and not the root of its CA with its name: its server refuses the next certificate, which ${next}${unlessConfigured(args)}`;
      const node = canHoldRoot ? '; apigw-cert/node loads no list that holds it' : '';
      return `${trustStore} holds ${presented(where)} itself, ${consequence}${node}`;
    },
    remedy: (args) => {
      const removal = removeFile(args, 'the certificate');
      return args.isCovered ? removal : `${addRoot(args)}; then ${removal}`;
    },
  }),
  CaHeldWithoutName: entry<StoreName & AcmNeed & Covered & { authority: string }>({
    severity: 'critical',
    meaning:
      'A trust store holds a CA of an ACM certificate without a name: a server that trusts it as a CA accepts every certificate of that CA.',
    message: ({ trustStore, authority, isCovered }, where) =>
      `${trustStore} holds ${authority}, a CA of ${presented(where)}, without a name: a server that trusts it as a CA accepts every certificate of that CA` +
      (isCovered ? '' : ', and one that compares whole certificates refuses the stage'),
    remedy: (args) => {
      const removal = removeFile(args, 'the certificate of the CA');
      return args.isCovered ? removal : `${addRoot(args)}; then ${removal}`;
    },
  }),
  TrustStoreLacksCertificate: entry<
    StoreName & {
      /** Of an ACM certificate that is trusted by its root; other names are those that the store holds the root for. */
      acm?: AcmNeed & { otherNames: readonly string[] };
      /** Whether the backends accepted calls with the certificate. */
      isAccepted: boolean;
    }
  >({
    severity: 'critical',
    meaning: 'A trust store does not hold what a server must trust to accept the certificate of the stage.',
    message: ({ trustStore, acm, isAccepted }, where) => {
      const lack = acm === undefined ? `does not hold ${presented(where)}` : lackText(acm, where);
      const consequence = isAccepted
        ? 'the backends accept it, so this is not what they read, or they trust more than this'
        : `its server refuses the stage${acm === undefined ? '' : unlessConfigured(acm)}`;
      return `${trustStore} ${lack}: ${consequence}`;
    },
    remedy: ({ acm, ...store }, { clientCertificateId = 'ID' }) =>
      acm === undefined
        ? `apigw-cert backend add ${clientCertificateId} ${store.option}`
        : addRoot({ ...store, ...acm }),
  }),
  TrustStoreUnfinished: entry<StoreName & { reason: string; since?: string }>({
    severity: 'warning',
    meaning: 'The server of a trust store may not have loaded its last change.',
    message: ({ trustStore, reason, since }) =>
      `the server of ${trustStore} may not have loaded its last change${since === undefined ? '' : ` of ${since}`}: ${reason}`,
    remedy: ({ option }) =>
      `make its check and reload commands work, then run the rotation again, or apigw-cert backend add ID ${option} with a certificate that it holds`,
  }),
  TrustStoreUnknown: entry<StoreName & { reason: string; hint?: string }>({
    severity: 'unknown',
    meaning: 'It is not known what a trust store holds.',
    message: ({ trustStore, reason }) =>
      `it is not known whether ${trustStore} holds the certificate of the stage: ${reason}`,
    remedy: ({ hint }) => hint,
  }),
};

function lackText(
  { subject, otherNames }: Pick<AcmNeed, 'subject'> & { otherNames: readonly string[] },
  where: Where,
): string {
  if (otherNames.length === 0) {
    return `holds neither the root of ${presented(where)} with its name nor the certificate itself`;
  }
  const own = subject === undefined ? 'its own name' : `its subject ${subject}`;
  return `holds the root of ${presented(where)} for the ${otherNames.join(', ')} alone, and not for ${own}`;
}
