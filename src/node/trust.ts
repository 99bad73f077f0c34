import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { type CallerName } from '../certificates/caller-name.js';
import { trustListIn, type TrustList } from './certificate-file.js';
import { checkSocket, type PresentedCertificate, type Refusal, type Verdict } from './check.js';
import { createGuardedServer, type ServerOptions, type VerificationContext } from './server.js';
import { watchFile } from './watch-file.js';

/** Who is told what. */
export interface TrustOptions {
  /** The file was read anew; `fingerprints` (SHA-256) are trusted from now on. */
  onReload?: (fingerprints: readonly string[]) => void;
  /** The file has changed to something that cannot be used; the former list stays. Default: a process warning. */
  onError?: (error: Error) => void;
  /** A request was refused. For a log: keep the fingerprint and the reason. */
  onRefused?: (refusal: Refusal, request: IncomingMessage) => void;
  /** @internal The clock, for tests. */
  now?: () => Date;
}

/** A root, and the name that a certificate of its CA must have to be accepted. */
export interface ListedRoot extends CallerName {
  /** SHA-256 of the root. */
  fingerprintSha256: string;
}

/** The certificates of one file as a backend's list of those who may call it. */
export interface ClientCertificateTrust {
  /** SHA-256 fingerprints that are trusted now, in the file's order. */
  readonly fingerprints: readonly string[];
  /** The roots that are trusted now, each for the certificates of its CA that have this name. */
  readonly roots: readonly ListedRoot[];
  /**
   * For a TLS server other than that of `createServer`: what its option `ca` has to be for the roots of the list, now. Set it
   * again (`setSecureContext`) in `onReload`.
   */
  readonly ca: readonly string[];
  /**
   * An https server that serves only requests with a listed certificate, checked at each request, and answers 403 to
   * all others. `listener` is a function of request and response, an express app for example.
   */
  readonly createServer: (options: ServerOptions, listener?: RequestListener) => Server;
  /** The certificate that the request came with; `undefined` unless it is accepted at this moment. */
  readonly presented: (request: { readonly socket: Socket }) => PresentedCertificate | undefined;
  /**
   * Judges a connection of any TLS server that was made with `requestCert: true` and `rejectUnauthorized: false`, or
   * one that lives longer than its first request, as a WebSocket does.
   */
  readonly check: (socket: Socket) => Verdict;
  /** Stops watching the file. The list stays as it is. */
  readonly close: () => void;
}

/**
 * Trusts exactly the certificates in a PEM file, and those of the roots in it that have the name beside the root; follows the file: a change is in force a tenth of a second later
 * (2 s where the file system sends no events), without a restart and without a dropped connection.
 *
 * @param file The path of a PEM file of API Gateway's client certificates; LF or CRLF.
 * @throws Error when the file is missing, empty, or not wholly understood: better no server than an open one. Later on
 * the same is reported to `onError` and changes nothing.
 */
export function trustClientCertificates(file: string, options: TrustOptions = {}): ClientCertificateTrust {
  const { onReload, onError = warn, onRefused, now = () => new Date() } = options;
  const path = resolve(file);
  let closed = false;
  let stopWatching: (() => void) | undefined;
  let trusted: TrustList;
  const renewals = new Set<() => void>();
  const close = (): void => {
    closed = true;
    stopWatching?.();
  };

  try {
    stopWatching = watchFile(path, reload); // before the reading, so that no change is missed in between
    trusted = trustListIn(readFileSync(path, 'utf8'));
  } catch (cause) {
    close();
    throw unusable(path, cause, 'no client could be trusted');
  }

  async function reload(): Promise<void> {
    try {
      const list = trustListIn(await readFile(path, 'utf8'));
      if (closed) return;
      const isVerifiedAsBefore = verification(list).ca.join() === verification(trusted).ca.join();
      trusted = list;
      // Another context has other ticket keys, so that sessions are not resumed: not without need.
      if (!isVerifiedAsBefore) for (const renew of renewals) renew();
    } catch (cause) {
      const count = trusted.certificates.size + trusted.roots.length;
      if (!closed) onError(unusable(path, cause, `still trusting the previous ${count}`));
      return;
    }
    onReload?.([...trusted.certificates.keys()]);
  }

  const check = (socket: Socket): Verdict => checkSocket(socket, trusted, now());
  return {
    get fingerprints() {
      return [...trusted.certificates.keys()];
    },
    get roots() {
      return trusted.roots.map(({ root, ...name }) => ({ fingerprintSha256: root.fingerprint256, ...name }));
    },
    get ca() {
      return verification(trusted).ca;
    },
    createServer(serverOptions, listener) {
      const context = (): VerificationContext => verification(trusted);
      const { server, renew } = createGuardedServer(serverOptions, listener, { check, onRefused, context });
      renewals.add(renew);
      server.once('close', () => renewals.delete(renew));
      return server;
    },
    presented: ({ socket }) => {
      const verdict = check(socket);
      return verdict.accepted ? verdict.certificate : undefined;
    },
    check,
    close,
  };
}

/**
 * Without roots, nobody is trusted by OpenSSL, which of two certificates with one subject finds only the first: it asks for the
 * certificate and has the key proved, and the list decides. With roots, the names of the exact certificates have to be announced
 * beside theirs, or a client withholds its certificate. A resumed session does not have the chain, so there are none.
 */
function verification({ certificates, roots }: TrustList): VerificationContext {
  if (roots.length === 0) return { ca: [] };
  const all = [...roots.map(({ root }) => root), ...certificates.values()];
  return {
    ca: [...new Set(all.map((certificate) => certificate.toString()))],
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function unusable(path: string, cause: unknown, consequence: string): Error {
  const { message } = cause as Error;
  return new Error(`cannot use the client certificates in ${path}: ${message}; ${consequence}`, { cause });
}

function warn(error: Error): void {
  process.emitWarning(error.message, 'ClientCertificateTrustWarning');
}
