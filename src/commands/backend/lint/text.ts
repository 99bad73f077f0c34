import type { ChalkInstance } from 'chalk';
import type { LintReport } from './run.js';
import { printable } from '../../../platform/printable.js';
import type { FindingCode } from '../../../findings/finding.js';
import { countText, findingText } from '../../../findings/formats/text.js';
import type { CallerName } from '../../../lint/identity.js';
import type { ListenerReport, LintVerdict, Witness } from '../../../lint/verdict.js';

const CALLER_TEXT: Readonly<Record<CallerName, string>> = {
  none: 'a caller without a certificate',
  listed: 'a listed certificate',
  impostor: 'a certificate with the same name and another key',
  stranger: 'a certificate that is not listed',
  expired: 'a listed certificate that has expired',
};

function callerText({ caller, authority, resumes }: Witness): string {
  if (authority !== undefined) return `any certificate of the CA ${printable(authority)}`;
  return resumes === true ? 'a self-made certificate in a resumed session' : CALLER_TEXT[caller];
}

const VERDICT_TEXT: Readonly<Record<LintVerdict, string>> = {
  enforces: 'only listed certificates that have not expired are admitted',
  open: 'an unlisted caller is admitted',
  trap: 'the next certificate is refused',
  cannotTell: 'the configuration alone does not show who is admitted',
};

const VERDICT_COLOURS = { enforces: 'green', open: 'red', trap: 'red', cannotTell: 'yellow' } as const;

/** The command that asks the running server; `HOST` where the configuration names none. */
export function verifyCommand({ host = 'HOST', port = 443 }: Pick<ListenerReport, 'host' | 'port'>): string {
  return `apigw-cert backend verify https://${host}${port === 443 ? '' : `:${port}`}/ --expect enforced`;
}

function listenerText(report: ListenerReport, style: ChalkInstance): string {
  const { listener, file, line, verdict, reason, witness, isTls, apiGateway = [] } = report;
  const word = style[VERDICT_COLOURS[verdict]](verdict);
  const head = `${printable(`${file}:${line}`)}: ${printable(listener)}${isTls ? '' : ' (without TLS)'}: ${word}: `;
  if (verdict === 'open' && witness) {
    const steps = witness.steps.map(
      ({ file: from, line: at, text }) => `    ${printable(`${from}:${at}: ${text}`)}`,
    );
    return [`${head}${callerText(witness)} is admitted by ${printable(witness.request)}`, ...steps].join(
      '\n',
    );
  }
  const refused = apiGateway.find(({ result }) => result === 'refused');
  const itself =
    refused === undefined
      ? ''
      : `; but API Gateway itself is refused${refused.host === undefined ? '' : ` at ${printable(refused.host)}`}: ${printable(refused.request)}`;
  const because = reason === undefined ? VERDICT_TEXT[verdict] : printable(reason);
  const next = verdict === 'cannotTell' ? [`  ${style.dim('next:')} ${verifyCommand(report)}`] : [];
  return [`${head}${because}${itself}`, ...next].join('\n');
}

/** The file in one line: its verdict, or how many findings there are. */
export function lintSummary({ listeners, findings, format, kind, verdict }: LintReport): string {
  const name = printable(format === 'other' ? kind : format);
  if (verdict === undefined) return `${name}: ${countText(findings)}`;
  const isRefused = listeners.some(({ apiGateway = [] }) =>
    apiGateway.some(({ result }) => result === 'refused'),
  );
  const itself = isRefused ? '; but API Gateway itself is refused' : '';
  return `${name}: ${verdict}: ${VERDICT_TEXT[verdict]}${itself}`;
}

/** Listeners with what decided, then everything else that was found, then one word for all. */
export function lintReportText(report: LintReport, style: ChalkInstance): string {
  const { listeners, findings } = report;
  // What a listener's own lines say is not said twice.
  const said = new Set<FindingCode>(listeners.length > 0 ? ['Open', 'AdmitsExpired', 'CannotTell'] : []);
  const rest = findings.filter(
    ({ code }) => !said.has(code) || (code === 'CannotTell' && listeners.length === 0),
  );
  return [
    ...listeners.map((each) => listenerText(each, style)),
    ...rest.map((finding) => findingText(finding, style)),
    lintSummary(report),
  ].join('\n');
}
