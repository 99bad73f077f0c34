import { stageJob } from '../rotation/engine/jobs.js';
import { askStage, newRotationId, storesOf } from '../rotation/engine/request.js';
import { openSession, rotateJobs } from '../rotation/engine/rotate-jobs.js';
import { parseDuration, parseThreshold } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';
import { parseProbe } from '../rotation/rules/probe.js';
import type { RotationReport } from '../rotation/rules/report.js';
import type { RotationSettings } from '../settings/rotation.js';
import { folderState } from '../rotation/journal/state.js';
import { steadyClock } from '../platform/clock.js';
import { sleep } from '../platform/timer.js';
import { callCounter, openControlPlane } from './client.js';
import type { RotateOptions } from './settings.js';

/** Rotates the certificate of one stage, or says what would be done. @throws AppError */
export async function runRotation(options: RotateOptions, dryRun: boolean): Promise<RotationReport> {
  const { stage, trust, probe, to, stateDirectory } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const flags = {
    account: {},
    values: {
      ...settingsOf(options),
      trust: trust.length > 0 ? trust : undefined,
      probe: probe === undefined ? undefined : parseProbe(probe),
      to,
    },
  };
  const clock = steadyClock();
  const state = folderState(stateDirectory);
  const controlPlane = await openControlPlane(options, clock.correct);
  const session = openSession(controlPlane, clock.now, { progress: callCounter(options), signal });
  const context = {
    announce: options.announce ?? (() => undefined),
    ask: asking(options, 'ConfirmationNeeded'),
  };
  const [outcome] = await rotateJobs(
    [stageJob({ stage }, undefined, flags, { account: { origins: {} } })],
    {
      connect: () => Promise.resolve(session),
      lease: state.lease,
      journal: state.journal,
      stores: (job, apis) => storesOf(job, apis, context),
      emit(event) {
        // Thrown in the midst of a step it would look like a failure of that step.
        try {
          options.onEvent?.(event);
        } catch (error) {
          failed.abort(error);
        }
      },
      sleep,
      newRotationId,
      confirm: asking(options, 'NotConfirmed'),
      approve: asking(options, 'ConfirmationNeeded'),
      request: askStage,
      signal,
    },
    { abort: false, dryRun },
  );
  failed.signal.throwIfAborted();
  if (outcome?.report) return outcome.report;
  const error = outcome?.error;
  throw error instanceof Error ? error : new Error(`the rotation ended without a report: ${String(error)}`);
}

function asking({ confirm }: RotateOptions, code: 'ConfirmationNeeded' | 'NotConfirmed') {
  return async (question: string): Promise<void> => {
    if ((await confirm?.(question)) === true) return;
    throw new AppError(code, `not confirmed: ${question}`, {
      hint: 'pass `confirm`, and have it return true',
    });
  };
}

function settingsOf(options: RotateOptions): Partial<RotationSettings> {
  const { renewBefore, settle, soak, keepOld, probeCount, force, wait } = options;
  const { allowDrift, allowUncheckedBackend, allowUnproved } = options;
  return {
    ...(renewBefore === undefined ? {} : { renewBefore: parseThreshold(renewBefore) }),
    ...(settle === undefined ? {} : { settle: parseDuration(settle) }),
    ...(soak === undefined ? {} : { soak: parseDuration(soak) }),
    ...(keepOld === undefined ? {} : { keepOld: parseDuration(keepOld) }),
    ...(probeCount === undefined ? {} : { probes: probeCount }),
    ...(force === undefined ? {} : { force }),
    ...(wait === undefined ? {} : { wait }),
    ...(allowDrift === undefined ? {} : { allowDrift }),
    ...(allowUncheckedBackend === undefined ? {} : { allowUncheckedBackend }),
    ...(allowUnproved === undefined ? {} : { allowUnproved }),
  };
}
