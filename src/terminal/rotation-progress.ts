import type { ChalkInstance } from 'chalk';
import { isAcmVersion } from '../control-plane/acm-version.js';
import type { StagesProgress } from '../control-plane/stages.js';
import { formatDuration } from '../platform/duration.js';
import { printable } from '../platform/printable.js';
import { stageText } from '../rotation/rules/unit.js';
import { stageIdsText } from '../control-plane/stages-text.js';
import type { RotationEvent } from '../rotation/rules/event.js';
import { isAsWanted } from '../rotation/rules/proof.js';
import type { RotationStep } from '../rotation/rules/record.js';
import type { CommonOptions } from './context.js';
import { countedCalls, minutely } from './counted-calls.js';
import { isLive, liveLine } from './live-line.js';
import { LOOK } from './progress.js';
import type { Output } from './output.js';
import { callLines, proofLines } from './proof-text.js';
import type { StageWording } from './stage-options.js';
import { timeText } from '../findings/formats/time-text.js';

/** What a step does, in words that go on with its subject. */
export const STEP_WORDS: Readonly<Record<RotationStep, string>> = {
  generate: 'generate the new certificate',
  import: 'import the certificate into ACM',
  adopt: 'mark the specified certificate as the new one',
  trust: 'add the certificate to the trust store',
  acknowledge: 'wait until the hosts report the change',
  preflight: 'test the backends before switching',
  recheck: 're-check before switching',
  switch: 'switch the stage',
  verifySwitch: 'check that the stages present the new certificate',
  redeploy: 'redeploy the stage',
  publish: 'publish the ID of the certificate in use',
  soak: 'soak',
  verifyUnused: 'check that no stage presents the certificate to be removed',
  untrust: 'remove the old certificate from the trust store',
  verifyRemoval: 'test the backends after the removal',
  delete: 'delete the old certificate',
  retire: 'mark that no stage returns to the old certificate',
  hook: 'run the hook',
  undo: 'roll back',
  rollBack: 'switch the stage back',
  untrustNew: 'remove the new certificate from the trust store',
  deleteNew: 'delete the new certificate',
  release: 'remove the mark from the certificate and keep it',
  withdraw: 'withdraw the new certificate, so that no run switches a stage to it',
  settle: 'wait for calls to AWS that got no response',
  finish: 'remove the rotation mark',
  verifyTrust: 'check that the trust store holds the root and the name',
  verifyUse: 'test the backends',
  watch: 'test the backends while the renewal spreads',
};

/** Of steps about several stages, which have no subject. */
const SEVERAL: Readonly<Partial<Record<RotationStep, string>>> = {
  switch: 'switch the stages',
  rollBack: 'switch the stages back',
};

/** Of an import under the ARN that stages present: none of them is changed. */
const IN_PLACE: Readonly<Partial<Record<RotationStep, string>>> = {
  switch: 'import the certificate under the ARN of the stages',
  rollBack: 'import the old certificate again under the ARN of the stages',
};

/** A step in words. @param isInPlace whether the rotation is an import under the ARN that stages present */
export function stepText(
  { step, subject, isInPlace = false }: { step: RotationStep; subject?: string; isInPlace?: boolean },
  wording: StageWording = printable,
): string {
  const imports = isInPlace ? IN_PLACE[step] : undefined;
  if (imports !== undefined) return subject === undefined ? imports : `${imports}: ${wording(subject)}`;
  if (subject === undefined) return SEVERAL[step] ?? STEP_WORDS[step];
  return `${STEP_WORDS[step]}: ${wording(subject)}`;
}

/** How many of the stages that a rotation moves are where they are to be, and how long that took, in milliseconds. */
interface Moved {
  done: number;
  of: number;
  ms: number;
}

/** Errors of a trust store begin with its name, which the step says already. */
function withoutSubject({ message, subject = '' }: { message: string; subject?: string }): string {
  return subject !== '' && message.startsWith(`${subject}: `) ? message.slice(subject.length + 2) : message;
}

/** Steps that are nothing but a proof. */
const PROOFS: ReadonlySet<RotationStep> = new Set<RotationStep>([
  'preflight',
  'verifyRemoval',
  'verifyUse',
  'watch',
]);

/** Steps that wait for a time that is known. */
const WAITING: ReadonlySet<RotationStep> = new Set<RotationStep>(['soak', 'settle', 'watch']);

/** A step that is done, with ✓ where it found what it looked for, and what its proof tried. */
function doneLines(
  event: Extract<RotationEvent, { type: 'stepDone' }>,
  style: ChalkInstance,
  wording: StageWording,
): string[] {
  const { proof } = event.evidence;
  const took = style.dim(formatDuration(event.ms));
  const { after } = event.evidence;
  const isInPlace = typeof after === 'string' && isAcmVersion(after);
  const line = `${stepText({ ...event, isInPlace }, wording)} ${took}`;
  if (!proof) return [`${style.green('✓')} ${line}`];
  const { failed } = event.evidence;
  const isSeen = (!PROOFS.has(event.step) || isAsWanted(proof)) && (failed === undefined || failed === 0);
  const mark = isSeen ? style.green('✓') : proof.results.length > 0 ? style.yellow('!') : '-';
  return [`${mark} ${line}`, ...proofLines(proof, style, wording)];
}

export interface RotationProgress {
  show(event: RotationEvent, wording: StageWording): void;
  /** Told of the calls of a look at the whole account. */
  readonly look: StagesProgress;
  /** Something else that is worth knowing, above what is shown at the moment. */
  note(text: string): void;
  stop(): void;
}

const DAY_MS = 86_400_000;

/** Events that are shown as lines of their own. */
const LINES: ReadonlySet<RotationEvent['type']> = new Set<RotationEvent['type']>([
  'calls',
  'stackEvent',
  'stepDone',
  'stepFailed',
  'waiting',
  'warning',
  'rollingBack',
]);

const stackText = ({ stack }: Extract<RotationEvent, { type: 'started' }>): string =>
  stack === undefined
    ? ''
    : printable(`; the stack ${stack.name} makes the switch (parameter ${stack.parameter})`);

const beginning = ({ isWatched, resumed }: Extract<RotationEvent, { type: 'started' }>): string =>
  isWatched === true ? 'watching' : resumed ? 'resuming' : 'starting';

/** To the second: `4 m 12 s`, `9 s`. */
const roughly = (ms: number): string => formatDuration(Math.ceil(Math.max(0, ms) / 1_000) * 1_000);

/**
 * Steps as they happen, on stderr. On a terminal the current step is a line that is redrawn below those that are done,
 * with the time that it has taken or that is left; elsewhere there are plain lines.
 */
export function rotationProgress({
  options,
  out,
}: {
  options: CommonOptions & { events?: string };
  out: Output;
}): RotationProgress {
  const style = out.noteStyle;
  // Events on the same terminal would be written into the line.
  const isShared = options.events === '-' && process.stdout.isTTY;
  const live =
    options.quiet !== true && !isShared && isLive(process.stderr)
      ? liveLine(process.stderr, style)
      : undefined;
  let text: (() => string) | undefined;
  let lastFailure = '';
  /** What each rotation is about, and the one whose lines were shown last. */
  const titles = new Map<string, string>();
  let shown = '';
  const moves = new Map<string, Moved>();
  const minute = minutely(() => performance.now());

  const calls = countedCalls((counted) => {
    if (live === undefined) out.note(`  ${LOOK}: ${counted}`);
  });
  const line = (): string => [text?.() ?? LOOK, calls.text()].filter((one) => one !== undefined).join(': ');
  const spin = (next: () => string): void => {
    text = next;
    live?.show(line);
  };
  const clear = (): void => {
    text = undefined;
    live?.clear();
  };
  const settle = (line: string): void => {
    clear();
    minute.said();
    out.note(line);
  };
  const movedText = (step: RotationStep, { done, of }: Moved): string =>
    `${stepText({ step })}: ${done} of ${of}`;
  /** Stages are switched in several steps: in the middle of them there is no line for each. @returns whether that is so */
  const isWithinMove = ({ rotationId, step, ms }: Extract<RotationEvent, { type: 'stepDone' }>): boolean => {
    const moved = moves.get(rotationId);
    if (!moved) return false;
    moved.ms += ms;
    if (moved.done < moved.of) {
      if (step !== 'recheck' && live === undefined && minute.isDue()) {
        settle(`  ${movedText(step, moved)}`);
      }
      return step === 'recheck' || step in SEVERAL;
    }
    moves.delete(rotationId);
    if (!(step in SEVERAL)) return false;
    settle(`${style.green('✓')} ${movedText(step, moved)} ${style.dim(formatDuration(moved.ms))}`);
    return true;
  };

  /** Several rotations of one account go side by side: says which one the next lines are about. */
  const introduce = ({ rotationId, type }: RotationEvent): void => {
    const title = titles.get(rotationId);
    if (rotationId === shown || title === undefined || !LINES.has(type)) return;
    if (shown !== '') settle(`${style.bold('continuing')} ${title}`);
    shown = rotationId;
  };

  return {
    look: {
      expect(count) {
        calls.expect(count);
      },
      done() {
        calls.done();
        // Before a rotation has begun there is no line yet; that of a step has it in itself.
        if (text !== undefined) return;
        if (calls.text() === undefined) live?.clear();
        else live?.show(line);
      },
    },
    show(event, wording) {
      introduce(event);
      switch (event.type) {
        case 'started': {
          const what = event.isWatched === true ? 'the renewal' : `rotation ${event.rotationId}`;
          const title = `${what} of ${event.oldCertificateId} for ${stageIdsText(event.stages.map(stageText), wording)}`;
          titles.set(event.rotationId, title);
          shown = event.rotationId;
          settle(`${style.bold(beginning(event))} ${title}${stackText(event)}`);
          break;
        }
        case 'stepStarted': {
          // What is waited for says more than the step's name.
          if (WAITING.has(event.step) && text !== undefined) break;
          const words = stepText(event, wording);
          const started = performance.now();
          spin(() => {
            const ms = performance.now() - started;
            return ms < 1_000 ? words : `${words} (${roughly(ms - 1_000)})`;
          });
          break;
        }
        case 'calls':
          if (event.calls.length > 0)
            settle(['calls to backends:', ...callLines(event.calls, wording)].join('\n'));
          break;
        case 'stepProgress': {
          const { ms = 0 } = moves.get(event.rotationId) ?? {};
          const moved = { done: event.done, of: event.of, ms };
          moves.set(event.rotationId, moved);
          spin(() => movedText(event.step, moved));
          break;
        }
        case 'stackEvent': {
          const before = text;
          const { resource, resourceType, status, reason } = event;
          const why = reason === undefined ? '' : `: ${reason}`;
          settle(style.dim(printable(`  ${resource} (${resourceType}) ${status}${why}`)));
          if (before) spin(before);
          break;
        }
        case 'stepDone':
          if (isWithinMove(event)) break;
          settle(doneLines(event, style, wording).join('\n'));
          break;
        case 'stepFailed':
          lastFailure = event.message;
          settle(`${style.red('✗')} ${stepText(event, wording)}: ${printable(withoutSubject(event))}`);
          break;
        case 'waiting': {
          const until = timeText(new Date(event.until));
          const end = performance.now() + Date.parse(event.until) - Date.parse(event.at);
          // The day is known where it is today's; a short line is not folded by a narrow terminal.
          const short = end - performance.now() < DAY_MS / 2 ? until.slice(until.indexOf('T') + 1) : until;
          spin(() => `${event.reason}: ${roughly(end - performance.now())} left, until ${short}`);
          if (live === undefined) settle(`  waiting until ${until} (${event.reason})`);
          break;
        }
        case 'warning':
          clear();
          out.warn(printable(event.message));
          break;
        case 'rollingBack':
          settle(
            event.reason === lastFailure
              ? style.yellow('rolling back')
              : `${style.yellow('rolling back')}: ${printable(event.reason)}`,
          );
          break;
        case 'ended':
          clear();
      }
    },
    note(said) {
      const before = text;
      settle(said);
      if (before) spin(before);
    },
    stop: clear,
  };
}
