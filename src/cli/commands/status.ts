import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { RotationStatus } from '../../app/status.js';
import { formatDuration } from '../../core/duration.js';
import { printable } from '../../core/printable.js';
import type { RotationStep } from '../../core/rotation/record.js';
import { action, command } from '../command.js';

interface Options {
  all?: boolean;
}

type StepText = (about: { step: RotationStep; subject?: string }) => string;

export function statusCommand(): Command {
  return command('status', 'Rotations in progress and finished, as recorded on this machine')
    .option('--all', 'include all that have ended, with each step')
    .action(
      action<Options>(async ({ options, out }) => {
        const [{ rotationStatus }, { openFileJournal }, { stepText }] = await Promise.all([
          import('../../app/status.js'),
          import('../../journal/file-journal.js'),
          import('../rotate-progress.js'),
        ]);
        const rotations = await rotationStatus(openFileJournal());
        out.result({ rotations }, () =>
          rotations.length === 0
            ? 'no rotation has been started on this machine'
            : [
                ...shown(rotations, options.all === true).map((rotation) =>
                  rotationText(rotation, options.all === true, out.style, stepText),
                ),
                countText(rotations),
              ].join('\n'),
        );
      }),
    );
}

/** How many of the ended ones are shown without `--all`. */
const SHOWN = 10;

function countText(rotations: readonly RotationStatus[]): string {
  const inProgress = rotations.filter(isInProgress).length;
  const unreadable = rotations.filter(({ state }) => state === 'unreadable').length;
  const ended = rotations.length - inProgress - unreadable;
  return [
    `${inProgress} in progress, ${ended} ended`,
    ...(unreadable === 0 ? [] : [`${unreadable} unreadable`]),
  ].join(', ');
}

const isInProgress = ({ state }: RotationStatus): boolean => state === 'inProgress';

/** Those in progress, those that cannot be read, and the last that ended. */
function shown(rotations: readonly RotationStatus[], all: boolean): readonly RotationStatus[] {
  if (all) return rotations;
  const needsAttention = (rotation: RotationStatus): boolean =>
    isInProgress(rotation) || rotation.state === 'unreadable';
  const ended = rotations.filter((rotation) => !needsAttention(rotation)).slice(-SHOWN);
  return rotations.filter((rotation) => needsAttention(rotation) || ended.includes(rotation));
}

const STATE_WORDS: Readonly<Record<RotationStatus['state'], string>> = {
  inProgress: 'in progress',
  completed: 'completed',
  aborted: 'aborted',
  cancelled: 'cancelled',
  superseded: 'superseded by another run',
  unreadable: 'unreadable',
};

const seconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

function rotationText(
  rotation: RotationStatus,
  all: boolean,
  style: ChalkInstance,
  stepText: StepText,
): string {
  const {
    rotationId,
    state,
    stages,
    oldCertificateId = '?',
    newCertificateId = '?',
    lastAt = '',
    keptUntil,
    problem,
  } = rotation;
  if (problem) {
    const fix = problem.hint === undefined ? '' : `\n  fix: ${printable(problem.hint)}`;
    return `${style.red(STATE_WORDS[state])} ${rotationId}: ${printable(problem.message)}${fix}`;
  }
  const colour = state === 'inProgress' ? style.yellow : state === 'completed' ? style.green : style.red;
  const head = `${colour(STATE_WORDS[state])} ${rotationId}: ${oldCertificateId} → ${newCertificateId} for ${stages.map(printable).join(', ')}, last at ${seconds(lastAt)}`;
  if (!all && state !== 'inProgress') return head;
  const marks = { done: style.green('✓'), failed: style.red('✗'), begun: style.yellow('…') };
  return [
    head,
    ...rotation.steps.map(({ at, step, subject, result, ms, message }) => {
      const time = ms === undefined ? '' : ` ${style.dim(formatDuration(ms))}`;
      const words = stepText({ step: step as RotationStep, ...(subject === undefined ? {} : { subject }) });
      return `  ${seconds(at)} ${marks[result]} ${words}${time}${message === undefined ? '' : `: ${printable(message)}`}`;
    }),
    ...(state === 'inProgress'
      ? [
          keptUntil === undefined
            ? '  next: run the same command again to continue, or add --abort to abort'
            : `  next: run the same command again after ${seconds(keptUntil)}, until when the old certificate is kept`,
        ]
      : []),
  ].join('\n');
}
