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
  return command('status', 'Rotations under way and finished, as this machine remembers them')
    .option('--all', 'every one that ended too, with each step')
    .action(
      action<Options>(async ({ options, out }) => {
        const [{ rotationStatus }, { openFileJournal }, { stepText }] = await Promise.all([
          import('../../app/status.js'),
          import('../../journal/file-journal.js'),
          import('../rotate-progress.js'),
        ]);
        const rotations = await rotationStatus(openFileJournal());
        const underWay = rotations.filter(({ state }) => state === 'underWay').length;
        out.result({ rotations }, () =>
          rotations.length === 0
            ? 'no rotation has been started on this machine'
            : [
                ...shown(rotations, options.all === true).map((rotation) =>
                  rotationText(rotation, options.all === true, out.style, stepText),
                ),
                `${underWay} under way, ${rotations.length - underWay} ended`,
              ].join('\n'),
        );
      }),
    );
}

/** How many of the ended ones are shown without `--all`. */
const SHOWN = 10;

/** Those under way, and the last that ended. */
function shown(rotations: readonly RotationStatus[], all: boolean): readonly RotationStatus[] {
  if (all) return rotations;
  const ended = rotations.filter(({ state }) => state !== 'underWay').slice(-SHOWN);
  return rotations.filter((rotation) => rotation.state === 'underWay' || ended.includes(rotation));
}

const STATE_WORDS: Readonly<Record<RotationStatus['state'], string>> = {
  underWay: 'under way',
  completed: 'completed',
  aborted: 'aborted',
  rolledBack: 'undone',
  yielded: 'left to another run',
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
  if (problem) return `${style.red(STATE_WORDS[state])} ${rotationId}: ${printable(problem.message)}`;
  const colour = state === 'underWay' ? style.yellow : state === 'completed' ? style.green : style.red;
  const head = `${colour(STATE_WORDS[state])} ${rotationId}: ${oldCertificateId} → ${newCertificateId} for ${stages.map(printable).join(', ')}, last at ${seconds(lastAt)}`;
  if (!all && state !== 'underWay') return head;
  const marks = { done: style.green('✓'), failed: style.red('✗'), begun: style.yellow('…') };
  return [
    head,
    ...rotation.steps.map(({ at, step, subject, result, ms, message }) => {
      const time = ms === undefined ? '' : ` ${style.dim(formatDuration(ms))}`;
      const words = stepText({ step: step as RotationStep, ...(subject === undefined ? {} : { subject }) });
      return `  ${seconds(at)} ${marks[result]} ${words}${time}${message === undefined ? '' : `: ${printable(message)}`}`;
    }),
    ...(state === 'underWay'
      ? [
          keptUntil === undefined
            ? '  next: run the same command again, or with --abort to go back'
            : `  next: run the same command again after ${seconds(keptUntil)}, until when the old certificate is kept`,
        ]
      : []),
  ].join('\n');
}
