import { isAcmVersion } from '../../control-plane/acm-version.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { RotationStatus } from './run.js';
import { accountRegionText } from '../../control-plane/account-text.js';
import { formatDuration } from '../../platform/duration.js';
import { AppError } from '../../platform/errors.js';
import { printable } from '../../platform/printable.js';
import { stageText } from '../../rotation/rules/unit.js';
import type { RotationStep } from '../../rotation/rules/record.js';
import { STATE_SETTINGS } from '../../settings/table.js';
import { action, command, settingOption } from '../../terminal/command.js';
import type { CommonOptions } from '../../terminal/context.js';
import type { Output } from '../../terminal/output.js';
import type { State } from '../../rotation/journal/state.js';
import type { StateOptions } from '../../terminal/state.js';

interface Options extends StateOptions {
  all?: boolean;
  prune?: string;
  dryRun?: boolean;
}

type StepText = (about: { step: RotationStep; subject?: string; isInPlace?: boolean }) => string;

export function statusCommand(): Command {
  return command(
    'status',
    'Show the recorded rotations: of this user, or of all machines that share the state',
  )
    .option('--all', 'include all finished rotations, with each step')
    .option(
      '--prune <duration>',
      'delete records of rotations that finished longer ago than this, such as 90d',
    )
    .option('--dry-run', 'with --prune, only count them')
    .addOption(settingOption(STATE_SETTINGS.state))
    .action(
      action<Options>(async ({ options, out, now }) => {
        if (options.prune !== undefined) {
          const { pruneStatus } = await import('./prune.js');
          await pruneStatus(options.prune, options, await openedState(options), out, now());
          return;
        }
        if (options.dryRun === true) {
          throw new AppError('Usage', '--dry-run needs --prune', { hint: 'add --prune 90d, or omit it' });
        }
        await showStatus(options, out);
      }),
    );
}

async function openedState(options: StateOptions & CommonOptions): Promise<State> {
  const [{ loadConfiguration }, { stateOf }] = await Promise.all([
    import('../../configuration/load.js'),
    import('../../terminal/state.js'),
  ]);
  return stateOf(options, await loadConfiguration({ file: options.config }));
}

async function showStatus(options: Options & CommonOptions, out: Output): Promise<void> {
  const [{ recentRotations, rotationStatuses }, { journal, isShared }, { stepText }] = await Promise.all([
    import('./run.js'),
    openedState(options),
    import('../../terminal/rotation-progress.js'),
  ]);
  const { all = false, region } = options;
  const ends = await journal.ends();
  const isComplete = all || options.output === 'json' || region !== undefined;
  const shown = new Set(recentRotations(ends));
  const ids = isComplete ? ends.map(({ rotationId }) => rotationId) : [...shown];
  const counts = { inProgress: 0, ended: isComplete ? 0 : ends.length - ids.length, unreadable: 0 };
  const rotations = inRegion(rotationStatuses(journal, ids), region);
  await out.list(rotations, {
    each(rotation) {
      counts[kindOf(rotation)] += 1;
      return all || shown.has(rotation.rotationId)
        ? rotationText(rotation, all, out.style, stepText)
        : undefined;
    },
    end: () =>
      ends.length > 0
        ? countText(counts, region)
        : `no rotation has been started ${isShared ? 'with this state' : 'on this machine'}`,
  });
}

/** Those of one Region, and those of which nothing can be read. */
async function* inRegion(
  rotations: AsyncIterable<RotationStatus>,
  region: string | undefined,
): AsyncGenerator<RotationStatus> {
  for await (const rotation of rotations)
    if (region === undefined || rotation.region === undefined || rotation.region === region) yield rotation;
}

type Counts = Record<'inProgress' | 'ended' | 'unreadable', number>;

const kindOf = ({ state }: RotationStatus): keyof Counts =>
  state === 'inProgress' || state === 'unreadable' ? state : 'ended';

function countText({ inProgress, ended, unreadable }: Counts, region: string | undefined): string {
  const where = region === undefined ? '' : ` in ${printable(region)}`;
  return (
    [
      `${inProgress} in progress, ${ended} finished`,
      ...(unreadable === 0 ? [] : [`${unreadable} unreadable`]),
    ].join(', ') + where
  );
}

const STATE_WORDS: Readonly<Record<RotationStatus['state'], string>> = {
  inProgress: 'in progress',
  completed: 'completed',
  aborted: 'aborted',
  cancelled: 'cancelled',
  superseded: 'superseded by another run',
  unreadable: 'unreadable',
};

/** Where it was recorded, in the words that every command has. */
function placeText({ account, region }: RotationStatus): string {
  if (region === undefined) return '';
  if (account === undefined) return ` in Region ${printable(region)}`;
  const isId = /^\d{12}$/.test(account);
  const where = { region, ...(isId ? { accountId: account } : { name: `of the access key ${account}` }) };
  return ` in ${accountRegionText(where)}`;
}

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
    return `${style.red(STATE_WORDS[state])} ${printable(rotationId)}: ${printable(problem.message)}${fix}`;
  }
  const colour = state === 'inProgress' ? style.yellow : state === 'completed' ? style.green : style.red;
  const head = `${colour(STATE_WORDS[state])} ${printable(rotationId)}: ${printable(oldCertificateId)} → ${printable(newCertificateId)} for ${stageIdsText(stages.map(stageText), printable)}${placeText(rotation)}, last at ${seconds(lastAt)}`;
  if (!all && state !== 'inProgress') return head;
  const marks = { done: style.green('✓'), failed: style.red('✗'), begun: style.yellow('…') };
  return [
    head,
    ...rotation.steps.map(({ at, step, subject, result, ms, message }) => {
      const time = ms === undefined ? '' : ` ${style.dim(formatDuration(ms))}`;
      const words = stepText({
        step: step as RotationStep,
        ...(subject === undefined ? {} : { subject }),
        isInPlace: isAcmVersion(oldCertificateId),
      });
      return `  ${seconds(at)} ${marks[result]} ${words}${time}${message === undefined ? '' : `: ${printable(message)}`}`;
    }),
    ...(state === 'inProgress'
      ? [
          keptUntil === undefined
            ? '  next: run the same command again to continue, or add --abort to abort'
            : `  next: run the same command again after ${seconds(keptUntil)}, when the old certificate is no longer kept`,
        ]
      : []),
  ].join('\n');
}
