import { formatDuration } from '../../platform/duration.js';
import { about, entry, type NoArgs, type Where } from '../entry.js';

const place = ({ account, region }: Where): string =>
  account === undefined ? 'the account' : `${account}/${region ?? ''}`;

export interface Reason {
  reason: string;
  hint?: string | undefined;
}

export interface Quota {
  count: number;
  quota: number;
}

const hold = ({ count, quota }: Quota, where: Where): string =>
  `${place(where)} has ${count} of at most ${quota} client certificates`;

/** About an account and Region, and about the check itself. */
export const ACCOUNT_FINDINGS = {
  ClockSkew: entry<{
    /** Positive where this machine is ahead. */
    offsetMs: number;
  }>({
    severity: 'warning',
    meaning: 'The clocks of this machine and of AWS differ by more than a minute.',
    message: ({ offsetMs }) =>
      `the clock of this machine is ${formatDuration(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead of' : 'behind'} that of AWS`,
    remedy: 'synchronize the clock of this machine with NTP',
  }),
  NothingMatched: entry<NoArgs>({
    severity: 'unknown',
    meaning:
      'No certificate matches the specified tags, description, API, stage or id; check for typing errors.',
    message: () => 'no certificate matches the filters: check the spelling, the account and the Region',
  }),
  NotificationFailed: entry<Reason>({
    severity: 'unknown',
    meaning: 'A notification could not be delivered; the next check retries it.',
    message: ({ reason }) => reason,
    remedy: ({ hint }) => hint,
  }),
  PermissionMissing: about(
    'critical',
    'this could not be read',
    'grant the permission, then run doctor again',
  ),
  QuotaExhausted: entry<Quota>({
    severity: 'critical',
    meaning: 'The account has reached the default client certificate quota, and a rotation needs one more.',
    message: (args, where) => `${hold(args, where)}, and a rotation needs one more`,
    remedy: 'delete unused ones: apigw-cert list --usage, apigw-cert delete; or request a higher quota',
  }),
  QuotaNearlyUsed: entry<Quota>({
    severity: 'warning',
    meaning: 'An account and Region has used 80 % or more of its client certificate quota.',
    message: hold,
    remedy: 'delete unused ones: apigw-cert list --usage, apigw-cert delete',
  }),
  SourceUnknown: entry<Reason>({
    severity: 'unknown',
    meaning: 'An account and Region could not be read.',
    message: ({ reason }, where) => `${place(where)}: ${reason}`,
    remedy: ({ hint }) => hint,
  }),
  UsageUnknown: entry<{ reason: string }>({
    severity: 'warning',
    meaning: 'The stages could not be read, so certificates with findings count as in use.',
    message: ({ reason }, where) => `the stages of ${place(where)} could not be read: ${reason}`,
  }),
};
