import { AppError } from '../../platform/errors.js';
import { stageText } from '../rules/unit.js';
import type { HookName } from './ports.js';
import { account, step, type Run } from './run.js';

/** Linux takes no variable of 128 KiB or more (execve(2), MAX_ARG_STRLEN); what is in the environment counts too. */
const LONGEST_VARIABLE = 100_000;

/**
 * What a hook learns of the stages: how many there are, and which, where one variable can hold them all.
 * @param names `apiId/stageName`
 */
export function stageVariables(names: readonly string[]): Record<string, string> {
  const all = names.join(' ');
  return {
    APIGW_CERT_STAGE_COUNT: String(names.length),
    ...(all.length > LONGEST_VARIABLE ? {} : { APIGW_CERT_STAGES: all }),
  };
}

/** What a hook learns of the rotation. */
function variables(run: Run, name: HookName): Record<string, string> {
  const { unit, moving } = account(run);
  return {
    APIGW_CERT_HOOK: name,
    APIGW_CERT_ROTATION: run.rotationId,
    APIGW_CERT_REGION: run.deps.controlPlane.region,
    APIGW_CERT_OLD_ID: run.oldId,
    APIGW_CERT_NEW_ID: unit.next?.clientCertificateId ?? '',
    APIGW_CERT_NEW_FINGERPRINT_SHA256: unit.next?.trusted.fingerprintSha256 ?? '',
    ...stageVariables(moving.map(stageText)),
  };
}

/**
 * Runs the user's command of that name, the new certificate's PEM on its standard input: once a rotation, where one
 * that was killed in between does not count, and `failed` at each failure.
 * @throws AppError `HookFailed`
 */
export async function runHook(run: Run, name: HookName): Promise<void> {
  const { [name]: command, timeout } = run.request.hooks;
  if (command === undefined) return;
  const ran = run.records.some(
    (record) => record.type === 'done' && record.step === 'hook' && record.subject === name,
  );
  if (ran && name !== 'failed') return;
  // Loaded where there is a hook: a run with nothing to do pays for nothing.
  const { runCommand, wordCommand } = await import('../../trust/run-command.js');
  await step(run, 'hook', name, async () => {
    try {
      const input = account(run).unit.next?.trusted.pem ?? '';
      await runCommand(command, { env: variables(run, name), input, timeout });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new AppError('HookFailed', `the hook "${name}" failed: ${why}`, {
        hint: `run it manually (${wordCommand(command)}), fix it, then run the same command again`,
        cause,
        ...(cause instanceof AppError ? { details: cause.details } : {}),
      });
    }
    return { value: undefined };
  });
}
