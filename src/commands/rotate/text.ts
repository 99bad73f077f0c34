import { arnOfVersion, isAcmVersion } from '../../control-plane/acm-version.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import type { NamedStage } from '../../control-plane/named-stage.js';
import { stageText } from '../../rotation/rules/unit.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { listText, verbOf } from '../../platform/list-text.js';
import type { ChalkInstance } from 'chalk';
import { printable } from '../../platform/printable.js';
import type { RotationReport, StackChange } from '../../rotation/rules/report.js';
import type { Proof } from '../../rotation/rules/proof.js';
import type { RotationStep } from '../../rotation/rules/record.js';
import { callLines } from '../../terminal/proof-text.js';
import type { StageWording } from '../../terminal/stage-options.js';
import { timeText } from '../../findings/formats/time-text.js';
import { STEP_WORDS, stepText } from '../../terminal/rotation-progress.js';

/** What a run came to, for a person. */
export function reportText(report: RotationReport, style: ChalkInstance, wording: StageWording): string {
  const { until, notAfter } = report;
  const oldId = printable(report.oldCertificateId);
  const newId = printable(report.newCertificateId ?? '');
  const stages = stageIdsText(report.stages.map(stageText), wording);
  const present = verbOf(report.stages, 'present');
  const end = notAfter ? timeText(notAfter) : '';
  const when = until ? timeText(until) : '';
  switch (report.outcome) {
    case 'notDue':
      if (report.acmOrigin !== undefined) return acmText(report, { stages, oldId, end, when });
      return `${stages}: ${oldId} is not due for renewal before ${when} (expires ${end}): ${publishedText(report)}`;
    case 'renewed':
      return `${stages}: ACM renewed ${oldId} (expires ${end}); ${testedText(report)}`;
    case 'keepingOld':
      return `${stages}: ${style.green(newId)} is in use; the old ${oldId} is kept until ${when}`;
    case 'completed':
      return `${style.green('rotated')} ${stages}: ${oldId} → ${newId}, expires ${end}`;
    case 'aborted':
      return `${style.yellow('aborted')}: ${stages} ${present} ${oldId}`;
    case 'nothingToAbort':
      return `${stages}: no rotation is in progress; ${report.stages.length === 1 ? 'it presents' : 'they present'} ${oldId}`;
    case 'planned':
    case 'plannedAbort':
      return [
        planHead(report, stages, style),
        ...report.steps.map(({ step, subject, stages: several, stack }, i) => {
          const about = several ? stageIdsText(several.map(stageText), wording) : subject && wording(subject);
          const isInPlace = isAcmVersion(report.oldCertificateId);
          const what = plannedText(step, several, isInPlace);
          return `  ${String(i + 1).padStart(2)}. ${what}${about === undefined ? '' : `: ${about}`}${stackText(stack)}`;
        }),
        ...callsPlanned(report, wording),
        'nothing was changed',
      ].join('\n');
  }
}

const evidenceOf = ({ steps }: RotationReport, name: RotationStep): Record<string, unknown> =>
  steps.findLast(({ step }) => step === name)?.evidence ?? {};

const resultsOf = (report: RotationReport, name: RotationStep): Proof['results'] =>
  (evidenceOf(report, name)['proof'] as Proof | undefined)?.results ?? [];

/** What showed what the backends make of a renewed certificate. */
function testedText(report: RotationReport): string {
  if (resultsOf(report, 'watch').length === 0) return 'nothing was tested';
  const { failed, requests } = evidenceOf(report, 'watch');
  return typeof failed === 'number' && failed > 0
    ? `${failed} of ${String(requests)} requests to the stage's own URL failed until the soak was over`
    : 'every test until the soak was over succeeded';
}

/** Whether a renewal was watched, and neither a trust store nor another certificate showed what comes after it. */
const isRenewalUnknown = (report: RotationReport): boolean =>
  report.warnings.some(({ code }) => code === 'TrustNotSeen') &&
  !resultsOf(report, 'verifyUse').some(({ caller }) => caller === 'sameName');

/** A certificate of ACM is not rotated unless it is asked for: who renews it. */
function acmText(
  report: RotationReport,
  { stages, oldId, end, when }: Record<'stages' | 'oldId' | 'end' | 'when', string>,
): string {
  const { acmOrigin, renewedAt } = report;
  const renewal =
    acmOrigin === 'privateCa'
      ? `ACM renews it, and should have done so by ${when}`
      : `ACM does not renew it; import the next one by ${when} and specify its ARN with --to`;
  const last = renewedAt === undefined ? '' : `, renewed ${timeText(renewedAt)}`;
  return `${stages}: the ACM certificate ${oldId} expires ${end}${last}. ${renewal}. ${isRenewalUnknown(report) ? 'Whether the backends will accept the renewed certificate is not known' : 'Nothing to do now'}`;
}

/** What was done, or would be, although nothing was due. */
function publishedText({ steps }: RotationReport): string {
  if (steps.length === 0) return 'nothing to do';
  const places = listText(steps.map(({ subject = '' }) => printable(subject)));
  return steps.some(({ ms }) => ms === undefined)
    ? `only its ID would be published: ${places}; nothing was changed`
    : `only its ID was published: ${places}`;
}

function plannedText(step: string, stages: readonly NamedStage[] = [], isInPlace = false): string {
  if (!(step in STEP_WORDS)) return 'keep the old certificate';
  if (isInPlace) return stepText({ step: step as RotationStep, isInPlace });
  return stages.length > 1 ? stepText({ step: step as RotationStep }) : STEP_WORDS[step as RotationStep];
}

const stackText = (stack: StackChange | undefined): string =>
  stack === undefined
    ? ''
    : printable(
        `, by an update of the stack ${stack.name} (${stack.parameter}: ${stack.from || 'empty'} → ${stack.to})`,
      );

/** What would be called; where nothing can be, no backend would be tested. */
function callsPlanned({ calls, steps }: RotationReport, wording: StageWording): string[] {
  if (calls.length > 0) return ['calls to backends:', ...callLines(calls, wording)];
  return steps.some(({ step }) => step === 'preflight')
    ? ['calls to backends: none, since no safe GET request reaches them: nothing is tested']
    : [];
}

function planHead(report: RotationReport, stages: string, style: ChalkInstance): string {
  const { outcome, newCertificateId: newId } = report;
  const rotationId = printable(report.rotationId ?? '');
  const oldId = printable(report.oldCertificateId);
  const change = newId === undefined ? `of ${oldId}` : `${oldId} → ${printable(newId)}`;
  if (outcome === 'plannedAbort')
    return `${style.bold('would abort')} rotation ${rotationId}, ${change}, of ${stages}:`;
  if (newId !== undefined)
    return `${style.bold('would resume')} rotation ${rotationId}, ${change}, of ${stages}:`;
  return `${style.bold('would rotate')} ${stages}, which ${verbOf(report.stages, 'present')} ${oldId}:`;
}

/** What is left to do elsewhere. */
export function afterwardsText({
  oldCertificateId,
  newCertificateId = '',
  oldCertificate,
}: RotationReport): string {
  if (isAcmVersion(oldCertificateId))
    return `${arnOfVersion(oldCertificateId)} contains the new certificate; ACM keeps no earlier one`;
  // With --only-stage it stays, for other stages.
  if (oldCertificate === 'inUse') return `the old ${oldCertificateId} is kept: other stages present it`;
  if (oldCertificate === 'present')
    return isAcmArn(oldCertificateId)
      ? `the old ${oldCertificateId} stays in ACM: apigw-cert deletes no ACM certificates`
      : `the old ${oldCertificateId} was not deleted`;
  // An ARN is nothing that Terraform imports as a client certificate.
  if (isAcmArn(newCertificateId))
    return `if Terraform manages the stage, set client_certificate_id = "${newCertificateId}" before the next apply`;
  // Terraform still knows the old certificate; these lines tell it of the new one.
  return [
    'if Terraform manages the certificate, update its state before the next apply:',
    `  terraform state rm aws_api_gateway_client_certificate.NAME   # was ${oldCertificateId}`,
    `  terraform import aws_api_gateway_client_certificate.NAME ${newCertificateId}`,
  ].join('\n');
}
