/** From what becomes of the callers at each place to one word for a listener. The same rule for every server. */
import type { ApiGatewayReport } from './api-gateway.js';
import { lintFinding, type LintFinding, type Place } from './finding.js';
import { listText } from '../platform/list-text.js';
import { CALLERS, type CallerName, type Identity, nameText } from './identity.js';
import type { Result, Step, Walked } from './outcome.js';

/**
 * `enforces`: only callers that are listed and in date are admitted, everywhere. `open`: somebody else is. `trap`: of
 * several certificates of one subject the first alone is. `cannotTell`: something that decides is not understood.
 */
export type LintVerdict = 'enforces' | 'open' | 'trap' | 'cannotTell';

const WORST_VERDICT_FIRST: readonly LintVerdict[] = ['open', 'trap', 'cannotTell', 'enforces'];

export const worstVerdict = (verdicts: readonly LintVerdict[]): LintVerdict =>
  WORST_VERDICT_FIRST.find((each) => verdicts.includes(each)) ?? 'cannotTell';

/** A caller who should not be admitted and is, and the lines that let it in. */
export interface Witness {
  caller: CallerName;
  /** The request, as a sentence: `GET /health`. */
  request: string;
  steps: readonly Step[];
  /** The subject of the CA in the configuration that issued its certificate, where it is one of any name. */
  authority?: string;
  /** It resumes a session in which its certificate was not verified. */
  resumes?: true;
}

/** What becomes of each kind of caller at one place. */
export interface PlaceReport extends Place {
  /** The location, rule or section: `location /health`. */
  where: string;
  outcomes: Partial<Record<CallerName, Result>>;
}

export interface ListenerReport extends Place {
  /** `443 (orders.example.com)`. */
  listener: string;
  isTls: boolean;
  verdict: LintVerdict;
  /** One sentence, for `cannotTell` and `trap`. */
  reason?: string;
  witness?: Witness;
  /** Where API Gateway itself is refused, or may be, although its certificate is admitted. One for each host. */
  apiGateway?: readonly ApiGatewayReport[];
  places: PlaceReport[];
  /** A host name to call, where the configuration has one. */
  host?: string;
  port?: number;
}

/** A listener with everything that was walked on it. */
export interface Examined extends Place {
  listener: string;
  isTls: boolean;
  /** Only programs of this machine can call it. */
  isLocal: boolean;
  walked: readonly Walked[];
  /** Groups of certificates in a CA bundle of which this listener may accept the first alone. */
  sharing: readonly (readonly Identity[])[];
  apiGateway: readonly ApiGatewayReport[];
  /** Why it does, where that is not their common subject. */
  firstAlone?: { code: 'FirstOfFile'; reason: string };
  host?: string;
  port?: number;
}

/** What an interpreter found out about a configuration. */
export interface Examination {
  examined: readonly Examined[];
  findings: readonly LintFinding[];
  /** Why nothing can be said of the whole. */
  doubt?: Place & { why: string };
}

const HARM: readonly CallerName[] = ['none', 'impostor', 'stranger', 'expired'];

/** The worst of several outcomes for a caller that should not be admitted. */
const worse = (a: Result | undefined, b: Result): Result =>
  a === 'admitted' || b === 'admitted'
    ? 'admitted'
    : a === 'unknown' || b === 'unknown'
      ? 'unknown'
      : 'refused';

function placesOf(walked: readonly Walked[]): PlaceReport[] {
  const places = new Map<string, PlaceReport>();
  for (const { caller, where, file, line, outcome } of walked) {
    const key = `${where}\n${file}\n${line}`;
    const place = places.get(key) ?? { where, file, line, outcomes: {} };
    places.set(key, place);
    place.outcomes[caller.name] = worse(place.outcomes[caller.name], outcome.result);
  }
  for (const place of places.values()) {
    place.outcomes = Object.fromEntries(
      CALLERS.flatMap((name) => (place.outcomes[name] === undefined ? [] : [[name, place.outcomes[name]]])),
    );
  }
  return [...places.values()];
}

const keyOf = (identity: Identity | undefined): string => identity?.sha256 ?? identity?.sha1 ?? '';

/** @param others whether other listeners can be called from elsewhere */
function judgeListener(examined: Examined, others: boolean): ListenerReport {
  const { walked, sharing, apiGateway, listener, file, line, isTls, isLocal, host, port } = examined;
  const base = {
    listener,
    file,
    line,
    isTls,
    places: placesOf(walked),
    ...(apiGateway.length === 0 ? {} : { apiGateway }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
  };
  const counted = walked.filter(({ isPublic }) => isPublic !== true);
  const found = (
    result: Result,
    names: readonly CallerName[],
    isMeant: (each: Walked) => boolean = () => true,
  ): Walked | undefined =>
    names
      .map((name) =>
        counted.find((each) => each.caller.name === name && each.outcome.result === result && isMeant(each)),
      )
      .find((each) => each !== undefined);

  // Whoever needs no certificate of a CA that is trusted is the worse one, and so is whoever needs no second connection.
  const isAnyone = ({ caller: { identity, resumes } }: Walked): boolean =>
    (identity?.signedBy ?? '') === '' && !resumes;
  const open = found('admitted', HARM, isAnyone) ?? found('admitted', HARM);
  if (open) {
    // A plain listener of this machine stands behind another one as a rule, and what that one passes on decides.
    if (isLocal && !isTls && others) {
      return {
        ...base,
        verdict: 'cannotTell',
        reason: 'it can be called only from this machine, so the result depends on what forwards to it',
      };
    }
    const { name, identity, resumes } = open.caller;
    const witness = {
      caller: name,
      request: open.request,
      steps: open.outcome.steps,
      ...(identity?.signedBy === undefined || identity.signedBy === ''
        ? {}
        : { authority: nameText(identity.issuer) }),
      ...(resumes ? { resumes } : {}),
    };
    return { ...base, verdict: 'open', witness };
  }
  const doubtful = found('unknown', HARM);
  if (doubtful || walked.length === 0) {
    return {
      ...base,
      verdict: 'cannotTell',
      reason: doubtful?.outcome.why ?? 'there is nothing to check here',
    };
  }
  const admitted = new Set(
    counted
      .filter(({ caller, outcome }) => caller.name === 'listed' && outcome.result !== 'refused')
      .map(({ caller }) => keyOf(caller.identity)),
  );
  const trap = sharing.find(
    (group) =>
      group.some((each) => admitted.has(keyOf(each))) && group.some((each) => !admitted.has(keyOf(each))),
  );
  if (trap) {
    return {
      ...base,
      verdict: 'trap',
      reason:
        examined.firstAlone?.reason ??
        `only the first of ${trap.length} certificates with one subject is accepted`,
    };
  }
  return { ...base, verdict: 'enforces' };
}

/** Whether a listener serves anything to anybody. */
const isServing = ({ walked }: Examined): boolean =>
  walked.some(({ outcome }) => outcome.result !== 'refused');

/** API Gateway at a listener as findings, at the lines that ask for a certificate. */
function apiGatewayFindings({ listener, apiGateway }: Examined, server: string): LintFinding[] {
  return apiGateway.map((report): LintFinding => {
    const { problem, host, caNames, reason } = report;
    const place = host === undefined ? listener : `${listener} (${host})`;
    if (problem === undefined || problem === 'ServerNameNotSent')
      return lintFinding('ApiGatewayUnclear', report, { subject: `${place}: ${reason ?? ''}` });
    switch (problem) {
      case 'CertificateWithheld':
        return lintFinding(problem, report, {
          subject: `${place}: announces ${listText(caNames, 3, 3, '; ')}`,
          server,
        });
      case 'CaNamesTooLarge':
        return lintFinding(problem, report, {
          subject: `${place}: announces ${caNames.length} CA names`,
          server,
        });
      case 'LateRequest':
      case 'LateRequestTls12':
        return lintFinding(problem, report, { subject: place, server });
    }
  });
}

export interface Judgement {
  verdict: LintVerdict;
  listeners: ListenerReport[];
  findings: LintFinding[];
}

/** What a verdict is as a finding, at the line that decided. */
function findingOf(report: ListenerReport, examined: Examined): LintFinding[] {
  const { verdict, witness, reason, listener: subject } = report;
  switch (verdict) {
    case 'open': {
      const at = witness?.steps.at(-1) ?? report;
      if (witness?.authority !== undefined)
        return [lintFinding('CaTrustedWithoutName', at, { subject: `${subject}: ${witness.authority}` })];
      if (witness?.resumes) return [lintFinding('UnverifiedSessionResumed', at, { subject })];
      const code = witness?.caller === 'expired' ? 'AdmitsExpired' : 'Open';
      return [lintFinding(code, at, { subject })];
    }
    case 'trap': {
      const [group = []] = examined.sharing;
      if (examined.firstAlone) return [lintFinding(examined.firstAlone.code, report, { subject })];
      return [lintFinding('SharedSubject', report, { subject: `${subject}: ${group.length} × one subject` })];
    }
    case 'cannotTell':
      return [lintFinding('CannotTell', report, { subject: reason ?? subject })];
    case 'enforces': {
      const nobody =
        isServing(examined) ||
        !examined.isTls ||
        examined.walked.every(({ caller }) => caller.name !== 'listed');
      return nobody ? [] : [lintFinding('NobodyAdmitted', report, { subject })];
    }
  }
}

/**
 * One verdict for each listener and for the whole. A file that shows no listener is never called fine.
 * @param server the kind of server, `nginx`
 */
export function judge({ examined, findings, doubt }: Examination, server: string): Judgement {
  const outside = examined.filter((each) => !each.isLocal).length;
  const pairs = examined.map((each) => ({ each, report: judgeListener(each, outside > 0) }));
  const found = pairs.flatMap(({ each, report }) => [
    ...findingOf(report, each),
    ...apiGatewayFindings(each, server),
  ]);
  const publicPlaces = examined
    .flatMap(({ walked }) => walked)
    .filter(({ isPublic }) => isPublic === true)
    .map((each) => lintFinding('PublicByDesign', each, { subject: each.where }));
  const whole: LintFinding[] = doubt ? [lintFinding('CannotTell', doubt, { subject: doubt.why })] : [];
  const listeners = pairs.map(({ report }) => report);
  const verdicts = listeners.map(({ verdict }) => verdict);
  return {
    verdict: worstVerdict(doubt || verdicts.length === 0 ? [...verdicts, 'cannotTell'] : verdicts),
    listeners,
    findings: [...found, ...whole, ...publicPlaces, ...findings],
  };
}
