/**
 * What becomes of API Gateway itself, whose client is Java's: it may withhold the certificate that others with the same
 * one present, and it cannot answer a request that comes after the handshake (`findings/java-client.ts`).
 */
import {
  answersToCaNames,
  type JavaClientProblem,
  LARGEST_HANDSHAKE_MESSAGE,
} from '../findings/java-client.js';
import { subjectName } from '../certificates/der.js';
import type { Place } from './finding.js';
import { type Caller, isApiGateways, nameText } from './identity.js';
import type { Material } from './material.js';
import type { Result, Walked } from './outcome.js';

/** The CA names in a server's request for a certificate, each once. */
export interface Announced {
  names: readonly string[];
  /** How long they are in the request. */
  octets: number;
  /** Why there may be others. */
  doubt?: string;
}

/** How a server asks for certificates under one name. */
export interface Asking extends Place {
  /** The name in the handshake, where the settings are not for all. */
  host?: string;
  announced: Announced;
  /** Some section asks after the handshake. */
  mayAskLate?: boolean;
}

/** API Gateway at a listener, where it may fare worse than others with its certificate. */
export interface ApiGatewayReport extends Place {
  host?: string;
  /** What the server announces. */
  caNames: readonly string[];
  result: Result;
  problem?: JavaClientProblem;
  /** For `unknown`: what would have to be known. */
  reason?: string;
  /** A request that shows it: `GET /orders`. */
  request: string;
}

/** The names of the certificates in these files, as OpenSSL and the servers gather them. */
export function announcedBy(materials: readonly Material[]): Announced {
  const names = new Map<string, number>();
  for (const { certificates } of materials) {
    // RFC 8446 section 4.2.4, RFC 5246 section 7.4.4: two octets of length before each.
    for (const { subject, der } of certificates)
      names.set(nameText(subject), 2 + (der === undefined ? 0 : subjectName(der).length));
  }
  const doubt = materials.find(({ problem }) => problem !== undefined)?.problem;
  return {
    names: [...names.keys()],
    octets: [...names.values()].reduce((sum, each) => sum + each, 0),
    ...(doubt === undefined ? {} : { doubt }),
  };
}

export const NOTHING_ANNOUNCED: Announced = { names: [], octets: 0 };

/** Who stands for API Gateway: a listed certificate, one that it made if there is any, or else an impostor of its name. */
function standsFor(callers: readonly Caller[]): Caller | undefined {
  const fits = ({ identity, expired }: Caller): boolean => identity?.selfSigned === true && !expired;
  const listed = callers.filter((each) => each.name === 'listed' && fits(each));
  return (
    listed.find(({ identity }) => identity !== undefined && isApiGateways(identity)) ??
    listed[0] ??
    callers.find((each) => each.name === 'impostor' && fits(each))
  );
}

/**
 * Walks API Gateway where OpenSSL's clients with its certificate are admitted, or may be.
 *
 * @param walk a caller's walks under this name, always of the same requests in the same order
 * @returns `undefined` where it fares as they do
 */
export function asApiGateway(
  { announced, host, file, line, mayAskLate = false }: Asking,
  callers: readonly Caller[],
  walk: (caller: Caller) => readonly Walked[],
): ApiGatewayReport | undefined {
  const caller = standsFor(callers);
  if (!caller?.identity) return undefined;
  const { names, octets, doubt } = announced;
  const base = { file, line, ...(host === undefined ? {} : { host }), caNames: names };
  const presents = answersToCaNames(names, [nameText(caller.identity.issuer)]);
  const isTooLarge = octets > LARGEST_HANDSHAKE_MESSAGE;
  const isUnsure = doubt !== undefined && (names.length === 0 || !presents);
  if (presents && !isUnsure && !isTooLarge && !mayAskLate) return undefined;
  const { identity, ...without } = caller;
  const client: Caller = {
    ...(presents && !isUnsure ? { ...without, identity } : without),
    answersLate: false,
  };
  const others = walk(caller);
  const own = walk(client);
  const pairs = others.flatMap((other, at) => {
    const mine = own[at];
    return mine && other.outcome.result !== 'refused' && other.isPublic !== true ? [{ other, mine }] : [];
  });
  const [first] = pairs;
  if (!first) return undefined;
  if (isTooLarge)
    return { ...base, result: 'refused', problem: 'CaNamesTooLarge', request: first.other.request };
  const found = (result: Result) => pairs.find(({ mine }) => mine.outcome.result === result);
  const late = pairs.find(({ mine }) => mine.outcome.late !== undefined)?.mine;
  const refused = found('refused')?.mine;
  if (late && (refused === undefined || refused.outcome.late !== undefined)) {
    const isRefused = late.outcome.result === 'refused';
    const at = late.outcome.late ?? { file, line };
    return {
      ...base,
      ...at,
      result: isRefused ? 'refused' : 'unknown',
      problem: isRefused ? 'LateRequest' : 'LateRequestTls12',
      request: late.request,
    };
  }
  if (presents && !isUnsure) return undefined;
  if (refused) {
    const { request } = refused;
    return isUnsure
      ? { ...base, result: 'unknown', reason: doubt, request }
      : { ...base, result: 'refused', problem: 'CertificateWithheld', request };
  }
  const unknown = found('unknown')?.mine;
  if (!unknown) return undefined;
  const reason = doubt ?? unknown.outcome.why ?? 'its outcome is unknown';
  return { ...base, result: 'unknown', reason, request: unknown.request };
}
